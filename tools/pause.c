/* SPDX-License-Identifier: Apache-2.0 */
/* sbx pause and sbx resume: a sandbox stands still, its clock too, until it is resumed. */
#include "core/base/container.h"
#include "tools/client.h"
#include "tools/error.h"
#include "tools/options.h"
#include "tools/verbs.h"

enum { TIMEOUT_MS = 20000 };

static const char *root;

static const struct option_spec option_table[] = {
    {"root", 0, OPTION_TEXT, "DIR", "state directory (default: $SBX_ROOT, /run/sbx, …)", &root,
     NULL},
};

static const struct command pause_command = {.name = "sbx pause",
                                             .operands = "NAME",
                                             .about = "Stops a sandbox until it is resumed.",
                                             .options = option_table,
                                             .option_count = ARRAY_COUNT(option_table),
                                             .operand_min = 1,
                                             .operand_max = 1};

static const struct command resume_command = {.name = "sbx resume",
                                              .operands = "NAME",
                                              .about = "Lets a paused sandbox go on.",
                                              .options = option_table,
                                              .option_count = ARRAY_COUNT(option_table),
                                              .operand_min = 1,
                                              .operand_max = 1};

static int send_command(const struct command *command, int argc, char **argv,
                        ControlMessage *message)
{
    struct report report = {0};
    int exit_code;
    int first = options_parse(command, argc, argv, &exit_code);

    if (first < 0)
        return exit_code;
    if (client_command(root, argv[first], message, TIMEOUT_MS, &report) < 0)
        return error_print_report(argv[first], &report);
    return 0;
}

int pause_main(int argc, char **argv)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    PauseRequest request = PAUSE_REQUEST__INIT;

    message.body_case = CONTROL_MESSAGE__BODY_PAUSE;
    message.pause = &request;
    return send_command(&pause_command, argc, argv, &message);
}

int resume_main(int argc, char **argv)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    ResumeRequest request = RESUME_REQUEST__INIT;

    message.body_case = CONTROL_MESSAGE__BODY_RESUME;
    message.resume = &request;
    return send_command(&resume_command, argc, argv, &message);
}
