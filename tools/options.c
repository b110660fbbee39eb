/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines, from a table that is also the help. getopt_long does the parsing; here are the
 * values and the messages.
 */
#include "tools/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/error.h"

enum { OPTIONS_MAX = 32, FIRST_LONG = 256, HELP_COLUMN = 34 };

int parse_number(const char *text, uint64_t max, uint64_t *ret)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return -EINVAL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > max)
        return -EINVAL;
    *ret = value;
    return 0;
}

int parse_size(const char *text, void *to)
{
    static const char units[] = "KMGT";
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return -EINVAL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    const char *unit = *end == '\0' ? NULL : strchr(units, *end & ~0x20);
    if (errno != 0 || (*end != '\0' && (unit == NULL || end[1] != '\0')))
        return -EINVAL;
    unsigned shift = unit == NULL ? 0 : 10 * ((unsigned)(unit - units) + 1);
    if (value > UINT64_MAX >> shift)
        return -EINVAL;
    *(uint64_t *)to = value << shift;
    return 0;
}

/* --- help --- */

static void print_option(const char *name, char letter, const char *value, const char *help)
{
    char left[80];
    char letter_text[8] = "    ";

    if (letter != 0)
        (void)snprintf(letter_text, sizeof(letter_text), "-%c, ", letter);
    (void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter_text, name, value == NULL ? "" : " ",
                   value == NULL ? "" : value);
    (void)printf("%-*s %s\n", HELP_COLUMN, left, help);
}

static void print_help(const struct command *command)
{
    (void)printf("usage: %s [OPTION]…%s%s\n%s\n\n", command->name,
                 command->operands[0] == '\0' ? "" : " ", command->operands, command->about);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option_spec *option = &command->options[i];
        print_option(option->name, option->letter, option->value, option->help);
    }
    print_option("help", 'h', NULL, "print this");
}

int options_fail(const struct command *command, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    error_print("%s (see %s --help)", text, command->name);
    return EXIT_CODE_USAGE;
}

/* --- parsing --- */

static int add_text(struct text_list *list, const char *text)
{
    const char **larger = realloc(list->texts, (list->count + 1) * sizeof(*larger));

    if (larger == NULL)
        return -ENOMEM;
    list->texts = larger;
    list->texts[list->count++] = text;
    return 0;
}

static int set_option(const struct command *command, const struct option_spec *option,
                      const char *text)
{
    int err = 0;

    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->to = true;
        break;
    case OPTION_TEXT:
        *(const char **)option->to = text;
        break;
    case OPTION_SIZE:
        err = parse_size(text, option->to);
        break;
    case OPTION_LIST:
        err = add_text(option->to, text);
        break;
    case OPTION_PARSED:
        err = option->parse(text, option->to);
        break;
    }
    if (err < 0)
        (void)options_fail(command, "--%s: \"%s\" is not %s", option->name, text, option->value);
    return err;
}

/* The tables of getopt. */
static void make_tables(const struct command *command, struct option longs[OPTIONS_MAX + 2],
                        char shorts[3 * OPTIONS_MAX])
{
    char *at = shorts;

    assert(command->option_count <= OPTIONS_MAX);
    if (command->is_rest_verbatim)
        *at++ = '+';
    *at++ = ':';
    *at++ = 'h';
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option_spec *option = &command->options[i];
        int has_value = option->kind == OPTION_FLAG ? no_argument : required_argument;
        longs[i] = (struct option){option->name, has_value, NULL, FIRST_LONG + (int)i};
        if (option->letter != 0) {
            *at++ = option->letter;
            if (has_value == required_argument)
                *at++ = ':';
        }
    }
    *at = '\0';
    longs[command->option_count] = (struct option){"help", no_argument, NULL, 'h'};
    longs[command->option_count + 1] = (struct option){0};
}

static const struct option_spec *find_option(const struct command *command, int found)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (found == FIRST_LONG + (int)i || found == command->options[i].letter)
            return &command->options[i];
    return NULL;
}

static int check_operands(const struct command *command, int argc, char **argv)
{
    size_t count = (size_t)(argc - optind);

    if (count < command->operand_min)
        return options_fail(command, "missing operand: %s", command->operands);
    if (count > command->operand_max)
        return options_fail(command, "unexpected operand \"%s\"",
                            argv[optind + (int)command->operand_max]);
    return 0;
}

int options_parse(const struct command *command, int argc, char **argv, int *exit_code)
{
    struct option longs[OPTIONS_MAX + 2];
    char shorts[3 * OPTIONS_MAX];
    int found;

    error_set_program(command->name);
    make_tables(command, longs, shorts);
    optind = 0;
    opterr = 0;
    while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct option_spec *option = find_option(command, found);
        *exit_code = EXIT_CODE_USAGE;
        if (found == 'h') {
            print_help(command);
            *exit_code = 0;
            return -1;
        }
        if (option == NULL) {
            const char *what =
                found == ':' ? "needs a value" : "unknown, ambiguous or with a value";
            (void)options_fail(command, "option %s: %s", argv[optind - 1], what);
            return -1;
        }
        if (set_option(command, option, optarg) < 0)
            return -1;
    }
    *exit_code = check_operands(command, argc, argv);
    return *exit_code == 0 ? optind : -1;
}
