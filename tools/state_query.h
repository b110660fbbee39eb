/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "tools/state_dir.h"

/* What a sandbox says of itself, and its pid, as JSON; one that does not answer has the status
 * "unknown" and *ret all the same. Returns a reference. -ENOMEM; else the error, reported. */
int state_query(int state_dir, const struct state_entry *entry, struct report *report,
                struct json_object **ret);
