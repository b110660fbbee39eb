/* SPDX-License-Identifier: Apache-2.0 */
/* sbx list: the sandboxes of one state directory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/container.h"
#include "tools/error.h"
#include "tools/options.h"
#include "tools/state_query.h"
#include "tools/table.h"
#include "tools/values.h"
#include "tools/verbs.h"

static const char *root;
static enum output_format format;

static const struct table_column columns[] = {
    {"name", "NAME", false},         {"pid", "PID", true},
    {"status", "STATUS", false},     {"processes", "PROCESSES", true},
    {"memory_size", "MEMORY", true}, {"platform", "PLATFORM", false},
};

/* One that ends meanwhile is left out; one that does not answer is shown as it is. */
static int add_row(int state_dir, const struct state_entry *entry, struct json_object *rows)
{
    struct report report = {0};
    struct json_object *json = NULL;
    int err = state_query(state_dir, entry, &report, &json);

    if (err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET) {
        json_object_put(json);
        return 0;
    }
    return json == NULL || json_object_array_add(rows, json) < 0 ? -ENOMEM : 0;
}

static int add_rows(int state_dir, struct json_object *rows)
{
    struct state_entry *entries;
    size_t count;
    int err = state_dir_list(state_dir, &entries, &count);

    if (err < 0)
        return err;
    for (size_t i = 0; err == 0 && i < count; i++)
        err = add_row(state_dir, &entries[i], rows);
    free(entries);
    return err;
}

static int show_list(struct report *report)
{
    struct json_object *rows = json_object_new_array();
    int state_dir;
    int err = state_dir_open(root, report, &state_dir);

    if (err == 0) {
        err = rows == NULL ? -ENOMEM : add_rows(state_dir, rows);
        if (err < 0)
            report_bad(report, "%s", strerror(-err));
        (void)close(state_dir);
    }
    if (err == 0 && format == FORMAT_JSON)
        table_print_json(rows);
    else if (err == 0)
        table_print(rows, columns, ARRAY_COUNT(columns));
    json_object_put(rows);
    return err;
}

static const struct option_spec option_table[] = {
    {"format", 0, OPTION_PARSED, "table|json", "of the output (default: table)", &format,
     values_parse_format},
    {"root", 0, OPTION_TEXT, "DIR", "state directory (default: $SBX_ROOT, /run/sbx, …)", &root,
     NULL},
};

static const struct command command = {.name = "sbx list",
                                       .operands = "",
                                       .about = "Lists the sandboxes.",
                                       .options = option_table,
                                       .option_count = ARRAY_COUNT(option_table)};

int list_main(int argc, char **argv)
{
    struct report report = {0};
    int exit_code;

    if (options_parse(&command, argc, argv, &exit_code) < 0)
        return exit_code;
    return show_list(&report) < 0 ? error_print_report(NULL, &report) : 0;
}
