/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-inspect: looks into an image, confined before it decodes the first byte of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/container.h"
#include "tools/error.h"
#include "tools/inspect/views.h"
#include "tools/options.h"
#include "tools/values.h"
#include "tools/verbs.h"

static enum output_format format;

static const struct view view_show = {.name = "show"};
static const struct view *const views[] = {&view_show, &view_ps, &view_maps, &view_fds};

static const struct option_spec option_table[] = {
    {"format", 0, OPTION_PARSED, "table|json", "of the output (default: table)", &format,
     values_parse_format},
};

static const struct command command = {
    .name = "sbx-inspect",
    .operands = "show|ps|maps|fds IMAGE [PID]",
    .about = "Shows what is in an image: all of it, its processes, their maps, their descriptors.",
    .options = option_table,
    .option_count = ARRAY_COUNT(option_table),
    .operand_min = 2,
    .operand_max = 3};

static bool print_show(const struct image *image)
{
    if (format == FORMAT_TABLE)
        return show_print(image);
    struct json_object *json = show_json(image);
    if (json != NULL)
        table_print_json(json);
    json_object_put(json);
    return json != NULL;
}

static bool print_view(const struct view *view, const struct image *image, const Process *process)
{
    if (view == &view_show)
        return print_show(image);
    struct json_object *rows = view->rows(image, process);
    if (rows != NULL && format == FORMAT_JSON)
        table_print_json(rows);
    else if (rows != NULL)
        table_print(rows, view->columns, view->column_count);
    json_object_put(rows);
    return rows != NULL;
}

/* Ends without what exit(3) runs, which may need system calls that a confined process lacks. */
_Noreturn static void end(int exit_code)
{
    (void)fflush(stderr);
    _exit(exit_code);
}

static int inspect(const struct view *view, const char *path, uint64_t pid)
{
    struct report report = {0};
    struct image image;
    char doing[512];
    bool is_done = false;

    (void)snprintf(doing, sizeof(doing), "opening image %s", path);
    if (image_open(path, &report, &image) < 0)
        return error_print_report(doing, &report);
    const Process *process = view->needs_pid ? image_process(&image, pid) : NULL;
    if (view->needs_pid && process == NULL)
        error_print("%s: there is no process %llu", path, (unsigned long long)pid);
    else if (!print_view(view, &image, process))
        error_print("%s: %s", path, strerror(ENOMEM));
    else if (fflush(stdout) != 0)
        error_print("writing: %s", strerror(errno));
    else
        is_done = true;
    image_free(&image);
    return is_done ? 0 : EXIT_CODE_FAILURE;
}

int inspect_main(int argc, char **argv)
{
    const struct view *view = NULL;
    uint64_t pid = 0;
    int exit_code;
    int first = options_parse(&command, argc, argv, &exit_code);

    if (first < 0)
        return exit_code;
    for (size_t i = 0; view == NULL && i < ARRAY_COUNT(views); i++)
        if (strcmp(argv[first], views[i]->name) == 0)
            view = views[i];
    if (view == NULL)
        return options_fail(&command, "\"%s\" is no verb", argv[first]);
    if (view->needs_pid != (argc - first == 3))
        return options_fail(&command, "%s: %s", view->name,
                            view->needs_pid ? "PID is missing" : "unexpected PID");
    if (view->needs_pid && parse_number(argv[first + 2], INT32_MAX, &pid) < 0)
        return options_fail(&command, "\"%s\" is no pid", argv[first + 2]);
    end(inspect(view, argv[first + 1], pid));
}
