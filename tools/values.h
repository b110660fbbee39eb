/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "core/control.h"

/* Values of options that several commands have; parse functions of OPTION_PARSED. */

#define VALUES_GHOST_LIMIT (UINT64_C(64) << 20)
enum { VALUES_ZSTD_LEVEL = -1 };

/* --checkpoint-at every|N */
struct checkpoint_at_value {
    bool is_given;
    CheckpointAt message; /* initialised by values_init_at */
};
void values_init_at(struct checkpoint_at_value *value);
int values_parse_at(const char *text, void *to /* struct checkpoint_at_value */);

/* --compress none|zstd[:LEVEL]; values_init_compress sets the default. */
void values_init_compress(CompressOption *value);
int values_parse_compress(const char *text, void *to /* CompressOption */);

/* --log-level error|warning|info|debug, as in StartSpec */
enum { VALUES_LOG_LEVEL = 1 };
int values_parse_log_level(const char *text, void *to /* uint32_t */);

/* --format table|json */
enum output_format { FORMAT_TABLE, FORMAT_JSON };
int values_parse_format(const char *text, void *to /* enum output_format */);

/* A name for a sandbox. */
int values_parse_name(const char *text, void *to /* const char * */);
/* One that nobody has: "sbx-" and digits. */
void values_make_name(char ret[CONTROL_NAME_MAX + 1]);
