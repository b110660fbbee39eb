/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options that several commands have. */
#include "tools/values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/host.h"
#include "tools/options.h"

enum { ZSTD_LEVEL_MIN = -100, ZSTD_LEVEL_MAX = 19 };

/* The place of text in a list that ends with NULL, or -EINVAL. */
static int find_word(const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -EINVAL;
}

void values_init_at(struct checkpoint_at_value *value)
{
    value->is_given = false;
    checkpoint_at__init(&value->message);
}

int values_parse_at(const char *text, void *to)
{
    struct checkpoint_at_value *value = to;
    uint64_t call = 0;

    value->message.is_every = strcmp(text, "every") == 0;
    if (!value->message.is_every && (parse_number(text, UINT64_MAX, &call) < 0 || call == 0))
        return -EINVAL;
    value->message.call = call;
    value->is_given = true;
    return 0;
}

void values_init_compress(CompressOption *value)
{
    compress_option__init(value);
    value->zstd_level = VALUES_ZSTD_LEVEL;
}

int values_parse_compress(const char *text, void *to)
{
    CompressOption *value = to;
    char *end;

    value->is_none = strcmp(text, "none") == 0;
    if (value->is_none || strcmp(text, "zstd") == 0)
        return 0;
    if (strncmp(text, "zstd:", 5) != 0 || text[5] == '\0')
        return -EINVAL;
    long level = strtol(text + 5, &end, 10);
    if (*end != '\0' || level < ZSTD_LEVEL_MIN || level > ZSTD_LEVEL_MAX)
        return -EINVAL;
    value->zstd_level = (int32_t)level;
    return 0;
}

int values_parse_log_level(const char *text, void *to)
{
    static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
    int level = find_word(text, levels);

    if (level < 0)
        return level;
    *(uint32_t *)to = (uint32_t)level;
    return 0;
}

int values_parse_format(const char *text, void *to)
{
    static const char *const formats[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};
    int format = find_word(text, formats);

    if (format < 0)
        return format;
    *(enum output_format *)to = (enum output_format)format;
    return 0;
}

int values_parse_name(const char *text, void *to)
{
    int err = control_check_name(text);

    if (err == 0)
        *(const char **)to = text;
    return err;
}

void values_make_name(char ret[CONTROL_NAME_MAX + 1])
{
    uint32_t number = 0;

    host_random(&number, sizeof(number));
    (void)snprintf(ret, CONTROL_NAME_MAX + 1, "sbx-%08x", number);
}
