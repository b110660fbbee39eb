/* SPDX-License-Identifier: Apache-2.0 */
/* sbx state: what one sandbox says of itself, as JSON. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/container.h"
#include "tools/error.h"
#include "tools/options.h"
#include "tools/state_query.h"
#include "tools/table.h"
#include "tools/verbs.h"

static const char *root;

static int show_state(const char *name, struct report *report)
{
    struct state_entry entry;
    struct json_object *json = NULL;
    int state_dir;
    int err = state_dir_open(root, report, &state_dir);

    if (err < 0)
        return err;
    err = state_dir_find(state_dir, name, &entry);
    if (err < 0)
        report_bad(report, "%s", err == -ENOENT ? "no such sandbox" : strerror(-err));
    else
        err = state_query(state_dir, &entry, report, &json);
    if (err == 0)
        table_print_json(json);
    json_object_put(json);
    (void)close(state_dir);
    return err;
}

static const struct option_spec option_table[] = {
    {"root", 0, OPTION_TEXT, "DIR", "state directory (default: $SBX_ROOT, /run/sbx, …)", &root,
     NULL},
};

static const struct command command = {.name = "sbx state",
                                       .operands = "NAME",
                                       .about = "Prints the state of a sandbox in JSON.",
                                       .options = option_table,
                                       .option_count = ARRAY_COUNT(option_table),
                                       .operand_min = 1,
                                       .operand_max = 1};

int state_main(int argc, char **argv)
{
    struct report report = {0};
    int exit_code;
    int first = options_parse(&command, argc, argv, &exit_code);

    if (first < 0)
        return exit_code;
    return show_state(argv[first], &report) < 0 ? error_print_report(argv[first], &report) : 0;
}
