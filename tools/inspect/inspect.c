/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-inspect: looks into an image, confined before it decodes the first byte of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/container.h"
#include "tools/error.h"
#include "tools/inspect/hostfile.h"
#include "tools/inspect/views.h"
#include "tools/options.h"
#include "tools/verbs.h"

static struct inspect_request request = {.root = "/", .helper = -1};

static const struct view *const views[] = {&view_show,   &view_ps,  &view_maps,  &view_fds,
                                           &view_mounts, &view_mem, &view_files, &view_verify};

static int parse_format(const char *text, void *to)
{
    static const char *const formats[] = {
        [INSPECT_TABLE] = "table", [INSPECT_JSON] = "json", [INSPECT_RAW] = "raw"};

    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++) {
        if (strcmp(formats[i], text) == 0) {
            *(enum inspect_format *)to = (enum inspect_format)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_root(const char *text, void *to)
{
    struct inspect_request *given = to;

    given->root = text;
    given->has_root = true;
    return text[0] == '\0' ? -EINVAL : 0;
}

static const struct option_spec option_table[] = {
    {"format", 0, OPTION_PARSED, "table|json|raw", "of the output (default: table); raw: of mem",
     &request.format, parse_format},
    {"threads", 'T', OPTION_FLAG, NULL, "ps: a line for each thread", &request.with_threads, NULL},
    {"root", 0, OPTION_PARSED, "DIR", "files, mem: where the host's files are (files: /)", &request,
     parse_root},
};

static const struct command command = {
    .name = "sbx-inspect",
    .operands = "show|ps|mounts|files|verify IMAGE, maps|fds IMAGE PID, or mem IMAGE PID ADDR LEN",
    .about = "Shows what is in an image, or checks all of it.",
    .options = option_table,
    .option_count = ARRAY_COUNT(option_table),
    .operand_min = 2,
    .operand_max = 5};

static int print_rows(const struct view *view, const struct image *image, const Process *process)
{
    struct json_object *rows = view->rows(image, process, &request);

    if (rows == NULL)
        return -ENOMEM;
    if (request.format == INSPECT_JSON)
        table_print_json(rows);
    else
        table_print(rows, view->columns, view->column_count);
    json_object_put(rows);
    return 0;
}

/* Ends without what exit(3) runs, which may need system calls that a confined process lacks. */
_Noreturn static void end(int exit_code)
{
    if (fflush(stdout) != 0) {
        error_print("writing: %s", strerror(errno));
        exit_code = EXIT_CODE_FAILURE;
    }
    (void)fflush(stderr);
    _exit(exit_code);
}

static int show(const struct view *view, struct image *image)
{
    const Process *process = view->needs_pid ? image_process(image, request.pid) : NULL;

    if (view->needs_pid && process == NULL) {
        error_print("%s: there is no process %llu", request.path, (unsigned long long)request.pid);
        return EXIT_CODE_FAILURE;
    }
    int err = view->print != NULL ? view->print(image, process, &request)
                                  : print_rows(view, image, process);
    if (err == -ENOMEM)
        error_print("%s: %s", request.path, strerror(ENOMEM));
    return err < 0 ? EXIT_CODE_FAILURE : err;
}

static int inspect(const struct view *view)
{
    struct report report = {0};
    struct image image;
    char doing[512];

    if (view->run != NULL)
        return view->run(&request);
    if (view == &view_mem && request.has_root) {
        int err = hostfile_start(request.root, &request.helper);
        if (err < 0) {
            error_print("%s: %s", request.root, strerror(-err));
            return EXIT_CODE_FAILURE;
        }
    }
    (void)snprintf(doing, sizeof(doing), "opening image %s", request.path);
    if (image_open(request.path, request.helper, &report, &image) < 0)
        return error_print_report(doing, &report);
    int exit_code = show(view, &image);
    image_free(&image);
    return exit_code;
}

/* A number of bytes or an address: decimal, or hexadecimal behind 0x; with K, M, G or T. */
static int parse_place(const char *text, uint64_t *ret)
{
    char *end;

    if (strncmp(text, "0x", 2) != 0)
        return parse_size(text, ret);
    errno = 0;
    *ret = strtoull(text, &end, 16);
    return errno != 0 || *end != '\0' || text[2] == '\0' ? -EINVAL : 0;
}

/* Operands after the verb; 0, or the exit code. */
static int parse_operands(const struct view *view, int count, char **operands)
{
    if ((size_t)count < view->operand_count + 1)
        return options_fail(&command, "%s: %s is missing", view->name, view->operands);
    if ((size_t)count > view->operand_count + 1)
        return options_fail(&command, "%s: unexpected operand \"%s\"", view->name,
                            operands[view->operand_count + 1]);
    request.path = operands[0];
    if (view->needs_pid && parse_number(operands[1], INT32_MAX, &request.pid) < 0)
        return options_fail(&command, "\"%s\" is no pid", operands[1]);
    if (view == &view_mem && parse_place(operands[2], &request.address) < 0)
        return options_fail(&command, "\"%s\" is no address", operands[2]);
    if (view == &view_mem && parse_place(operands[3], &request.size) < 0)
        return options_fail(&command, "\"%s\" is no size", operands[3]);
    if (view != &view_mem && request.format == INSPECT_RAW)
        return options_fail(&command, "%s: nothing to be shown raw", view->name);
    return 0;
}

int inspect_main(int argc, char **argv)
{
    const struct view *view = NULL;
    int exit_code;
    int first = options_parse(&command, argc, argv, &exit_code);

    if (first < 0)
        return exit_code;
    for (size_t i = 0; view == NULL && i < ARRAY_COUNT(views); i++)
        if (strcmp(argv[first], views[i]->name) == 0)
            view = views[i];
    if (view == NULL)
        return options_fail(&command, "\"%s\" is no verb", argv[first]);
    exit_code = parse_operands(view, argc - first - 1, argv + first + 1);
    if (exit_code != 0)
        return exit_code;
    end(inspect(view));
}
