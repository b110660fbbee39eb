/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* uthash with memory of host_alloc; an insertion that fails leaves the element with hh.tbl NULL
 * (test HASH_IS_IN). Include this, never <uthash.h>. */
#include <stdbool.h>

#include "core/base/host.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) host_alloc(1, size)
#define uthash_free(memory, size) host_free(memory)
#define uthash_nonfatal_oom(element) ((void)(element))
#include <uthash.h>

/* True after HASH_ADD: the element is in its table. */
#define HASH_IS_IN(element) ((element)->hh.tbl != NULL)
