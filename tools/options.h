/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an option does with its value. */
enum option_kind {
    OPTION_FLAG,   /* bool: no value */
    OPTION_TEXT,   /* const char *: borrowed from argv */
    OPTION_SIZE,   /* uint64_t: bytes, with K, M, G or T */
    OPTION_LIST,   /* struct text_list */
    OPTION_PARSED, /* anything: parse() takes the text */
};

/* Texts in the order they came; borrowed from argv. The array is the caller's to free(). */
struct text_list {
    const char **texts;
    size_t count;
};

struct option_spec {
    const char *name;
    char letter; /* 0: none */
    enum option_kind kind;
    const char *value; /* its name in the help, NULL for flags */
    const char *help;
    void *to;
    /* 0, or -EINVAL: the value makes no sense. */
    int (*parse)(const char *text, void *to);
};

/* A command and its options, for the parser and for --help. */
struct command {
    const char *name;     /* "sbx run" */
    const char *operands; /* "-- CMD [ARG…]" */
    const char *about;    /* one line */
    const struct option_spec *options;
    size_t option_count;
    size_t operand_min, operand_max;
    bool is_rest_verbatim; /* options end at the first operand */
};

/* Parses argv[1…] and sets the program's name for errors. Returns the index of the first operand
 * (they stand at the end); -1: the caller returns *exit_code, everything is said. */
int options_parse(const struct command *command, int argc, char **argv, int *exit_code);
/* A usage error: a line and the hint at --help. Returns EXIT_CODE_USAGE. */
__attribute__((format(printf, 2, 3))) int options_fail(const struct command *command,
                                                       const char *format, ...);

/* 0 or -EINVAL. */
int parse_size(const char *text, void *to /* uint64_t */);
int parse_number(const char *text, uint64_t max, uint64_t *ret);
