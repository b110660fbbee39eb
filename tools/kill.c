/* SPDX-License-Identifier: Apache-2.0 */
/* sbx kill: a signal for the guest's init. */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/container.h"
#include "tools/client.h"
#include "tools/error.h"
#include "tools/options.h"
#include "tools/verbs.h"

enum { SIGNAL_MAX = 64, TIMEOUT_MS = 10000 };

static const char *root;

/* A number, or a name with or without SIG: 0 is none. */
static unsigned parse_signal(const char *text)
{
    uint64_t number;

    if (parse_number(text, SIGNAL_MAX, &number) == 0)
        return (unsigned)number;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (int i = 1; i <= SIGNAL_MAX; i++) {
        const char *name = sigabbrev_np(i);
        if (name != NULL && strcasecmp(name, text) == 0)
            return (unsigned)i;
    }
    return 0;
}

static int send_signal(const char *name, unsigned signal, struct report *report)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    KillRequest request = KILL_REQUEST__INIT;

    request.signal = signal;
    message.body_case = CONTROL_MESSAGE__BODY_KILL;
    message.kill = &request;
    return client_command(root, name, &message, TIMEOUT_MS, report);
}

static const struct option_spec option_table[] = {
    {"root", 0, OPTION_TEXT, "DIR", "state directory (default: $SBX_ROOT, /run/sbx, …)", &root,
     NULL},
};

static const struct command command = {.name = "sbx kill",
                                       .operands = "NAME [SIGNAL]",
                                       .about = "Sends a signal (default: TERM) to a sandbox.",
                                       .options = option_table,
                                       .option_count = ARRAY_COUNT(option_table),
                                       .operand_min = 1,
                                       .operand_max = 2};

int kill_main(int argc, char **argv)
{
    struct report report = {0};
    int exit_code;
    int first = options_parse(&command, argc, argv, &exit_code);

    if (first < 0)
        return exit_code;
    const char *text = first + 1 < argc ? argv[first + 1] : "TERM";
    unsigned signal = parse_signal(text);
    if (signal == 0)
        return options_fail(&command, "\"%s\" is no signal", text);
    return send_signal(argv[first], signal, &report) < 0 ? error_print_report(argv[first], &report)
                                                         : 0;
}
