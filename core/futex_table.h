/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/futex.h"
#include "core/mm/mm.h"

struct kernel;

/* What the files of futexes share: one queue of the hash. */
struct futex_bucket {
    struct mutex lock;         /* LOCK_FUTEX; two are taken in the order of their addresses */
    struct wait_queue waiters; /* of struct futex_place */
};

struct futex_bucket *futex_bucket_of(struct kernel *kernel, const struct futex_key *key);
bool futex_key_is(const struct futex_key *a, const struct futex_key *b);
/* True: the word belongs to one address space. */
bool futex_key_has_mm(const struct futex_key *key);
/* The key of a word and a pin of it. */
int futex_pin(struct mm *mm, guest_addr_t address, bool is_private, enum fault_access access,
              struct futex_key *key, struct uio *uio);
