/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/uio.h"
#include "core/base/wait.h"

struct mm;
struct task;
struct futex_table;

/* What a word is known by. Saved as they are. As in Linux, a private call does not meet one that is
 * not, even in memory of one address space. */
enum futex_kind {
    FUTEX_OF_CALLER, /* FUTEX_PRIVATE_FLAG: mm and address */
    FUTEX_OF_MM,     /* in memory of one mm: mm and address */
    FUTEX_OF_FILE,   /* in a shared map: dev, inode, offset in the file */
    FUTEX_KINDS,
};

struct futex_key {
    enum futex_kind kind;
    uint64_t dev, inode;
    uint64_t offset;
    /* not saved */
    const struct mm *mm; /* borrowed: of the task that waits; NULL: does not matter */
};

/* Waiting on one word. Its lock is that of the queue it is in. */
struct futex_place {
    struct futex_key key;
    uint32_t bitset; /* not 0: it is woken for any of these */
    struct wait_entry entry;
};

enum { FUTEX_BITSET_ANY = -1 };

int futex_table_create(struct futex_table **ret);
/* Nobody waits. Accepts NULL. */
void futex_table_free(struct futex_table *table);

/* The key of a word: -EINVAL (not aligned), -EFAULT. No lock is held. */
int futex_key_of(struct mm *mm, guest_addr_t address, bool is_private, struct futex_key *ret);

/* Waits until woken, if the word is value. deadline is absolute, on the sandbox clock; is_realtime:
 * a point of CLOCK_REALTIME. */
int64_t futex_wait(struct task *task, guest_addr_t address, bool is_private, uint32_t value,
                   uint32_t bitset, bool is_realtime, nsec_t deadline);
/* Wakes up to count (at least one) of those whose bitset has one in common; how many, or -errno. */
int64_t futex_wake(struct mm *mm, guest_addr_t address, bool is_private, int count,
                   uint32_t bitset);

/* Two words of one call. */
struct futex_pair {
    struct mm *mm;
    guest_addr_t from, to;
    bool is_from_private, is_to_private;
    int wake, other; /* how many */
};
/* Wakes pair->wake of those at from and lets pair->other wait at to instead; expected NULL: without
 * looking at the word at from, else -EAGAIN if it has another value. How many in all. */
int64_t futex_requeue(const struct futex_pair *pair, const uint32_t *expected);
/* Does what operation says (FUTEX_OP) to the word at to, wakes at from, and, if the old value fits,
 * pair->other at to. How many in all. */
int64_t futex_wake_op(const struct futex_pair *pair, uint32_t operation);

/* --- futex_robust.c --- */
/* The task leaves its address space (Linux: mm_release): the locks of its robust list say so, its
 * clear_child_tid becomes 0 and who waits there is woken. No lock is held. */
void futex_exit(struct task *task);
