/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waking those who wait on futexes, in order of arrival, and letting them wait elsewhere. Words are
 * pinned before a queue is locked; the locks of two queues are taken in the order of their
 * addresses. Linux: waiters at a shared word that are requeued to a word that only the caller's
 * address space has are woken instead, if they are of another one.
 */
#include <errno.h>
#include <linux/futex.h>

#include "core/base/container.h"
#include "core/futex_table.h"
#include "core/kernel.h"

/* Under the bucket's lock: how many, at least one if there is one. */
static int wake_in(struct futex_bucket *bucket, const struct futex_key *key, int count,
                   uint32_t bitset)
{
    struct wait_entry *entry;
    struct wait_entry *next;
    int woken = 0;

    TAILQ_FOREACH_SAFE(entry, &bucket->waiters.entries, link, next) {
        struct futex_place *place = container_of(entry, struct futex_place, entry);
        if ((place->bitset & bitset) == 0 || !futex_key_is(&place->key, key))
            continue;
        wait_wake(&bucket->waiters, entry);
        if (++woken >= count)
            break;
    }
    return woken;
}

int64_t futex_wake(struct mm *mm, guest_addr_t address, bool is_private, int count, uint32_t bitset)
{
    struct futex_key key;

    if (bitset == 0)
        return -EINVAL;
    int err = futex_key_of(mm, address, is_private, &key);
    if (err < 0)
        return err;
    struct futex_bucket *bucket = futex_bucket_of(mm->kernel, &key);
    mutex_lock(&bucket->lock);
    int woken = wake_in(bucket, &key, count, bitset);
    mutex_unlock(&bucket->lock);
    return woken;
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    if (a != b)
        mutex_lock_nested(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    mutex_unlock(&a->lock);
    if (a != b)
        mutex_unlock(&b->lock);
}

/* Under both locks. */
static void move_to(struct futex_bucket *from, struct futex_bucket *to, const struct futex_key *key,
                    struct futex_place *place)
{
    if (futex_key_has_mm(key) && task_of(place->entry.waiter)->mm != key->mm) {
        wait_wake(&from->waiters, &place->entry);
        return;
    }
    if (from != to)
        wait_move(&from->waiters, &to->waiters, &place->entry);
    place->key = *key;
}

/* Under both locks: how many were woken or moved. */
static int requeue(const struct futex_pair *pair, struct futex_bucket *from_bucket,
                   const struct futex_key *from, struct futex_bucket *to_bucket,
                   const struct futex_key *to)
{
    struct wait_entry *entry;
    struct wait_entry *next;
    int64_t limit = (int64_t)pair->wake + pair->other;
    int done = 0;

    TAILQ_FOREACH_SAFE(entry, &from_bucket->waiters.entries, link, next) {
        struct futex_place *place = container_of(entry, struct futex_place, entry);
        if (done >= limit)
            break;
        if (!futex_key_is(&place->key, from))
            continue;
        if (++done <= pair->wake)
            wait_wake(&from_bucket->waiters, entry);
        else
            move_to(from_bucket, to_bucket, to, place);
    }
    return done;
}

int64_t futex_requeue(const struct futex_pair *pair, const uint32_t *expected)
{
    struct kernel *kernel = pair->mm->kernel;
    struct futex_key from;
    struct futex_key to;
    struct uio uio = {0};
    uint32_t value;

    if (pair->wake < 0 || pair->other < 0)
        return -EINVAL;
    int64_t result = futex_key_of(pair->mm, pair->from, pair->is_from_private, &from);
    if (result == 0)
        result = futex_key_of(pair->mm, pair->to, pair->is_to_private, &to);
    if (result == 0 && expected != NULL)
        result = user_pin(pair->mm, pair->from, sizeof(value), FAULT_READ, &uio);
    if (result < 0)
        return result;
    struct futex_bucket *from_bucket = futex_bucket_of(kernel, &from);
    struct futex_bucket *to_bucket = futex_bucket_of(kernel, &to);
    lock_two(from_bucket, to_bucket);
    if (expected != NULL && uio_copy_from(&uio, &value, sizeof(value)) < 0)
        result = -EFAULT;
    else if (expected != NULL && value != *expected)
        result = -EAGAIN;
    else
        result = requeue(pair, from_bucket, &from, to_bucket, &to);
    unlock_two(from_bucket, to_bucket);
    if (expected != NULL)
        user_unpin(pair->mm, &uio);
    return result;
}

/* --- FUTEX_WAKE_OP --- */

/* Its fields: what is done to the word, and what the old value is compared with. */
struct word_op {
    uint32_t operation, comparison;
    int32_t operand, operand2;
};

static struct word_op decode_op(uint32_t code)
{
    struct word_op op = {.operation = code >> 28 & 7,
                         .comparison = code >> 24 & 15,
                         .operand = (int32_t)(code << 8) >> 20,
                         .operand2 = (int32_t)(code << 20) >> 20};

    if ((code >> 28 & FUTEX_OP_OPARG_SHIFT) != 0)
        op.operand = (int32_t)(UINT32_C(1) << (op.operand & 31));
    return op;
}

static int compute(const struct word_op *op, uint32_t old, uint32_t *ret)
{
    uint32_t operand = (uint32_t)op->operand;

    switch (op->operation) {
    case FUTEX_OP_SET:
        *ret = operand;
        return 0;
    case FUTEX_OP_ADD:
        *ret = old + operand;
        return 0;
    case FUTEX_OP_OR:
        *ret = old | operand;
        return 0;
    case FUTEX_OP_ANDN:
        *ret = old & ~operand;
        return 0;
    case FUTEX_OP_XOR:
        *ret = old ^ operand;
        return 0;
    default:
        return -ENOSYS;
    }
}

/* 1: it fits; 0: it does not. */
static int compare(const struct word_op *op, int32_t old)
{
    switch (op->comparison) {
    case FUTEX_OP_CMP_EQ:
        return old == op->operand2;
    case FUTEX_OP_CMP_NE:
        return old != op->operand2;
    case FUTEX_OP_CMP_LT:
        return old < op->operand2;
    case FUTEX_OP_CMP_LE:
        return old <= op->operand2;
    case FUTEX_OP_CMP_GT:
        return old > op->operand2;
    case FUTEX_OP_CMP_GE:
        return old >= op->operand2;
    default:
        return -ENOSYS;
    }
}

/* Changes the pinned word; does the old value fit? */
static int change_word(struct uio *uio, const struct word_op *op)
{
    uint32_t old = 0;
    uint32_t seen = 0;
    uint32_t new;

    do {
        old = seen;
        if (compute(op, old, &new) < 0)
            return -ENOSYS;
        if (uio_exchange(uio, old, new, &seen) < 0)
            return -EFAULT;
    } while (seen != old);
    return compare(op, (int32_t)old);
}

int64_t futex_wake_op(const struct futex_pair *pair, uint32_t operation)
{
    const struct word_op op = decode_op(operation);
    struct kernel *kernel = pair->mm->kernel;
    struct futex_key from;
    struct futex_key to;
    struct uio uio;

    int64_t result = futex_key_of(pair->mm, pair->from, pair->is_from_private, &from);
    if (result == 0)
        result =
            futex_pin(pair->mm, pair->to, pair->is_to_private, FAULT_READ | FAULT_WRITE, &to, &uio);
    if (result < 0)
        return result;
    struct futex_bucket *from_bucket = futex_bucket_of(kernel, &from);
    struct futex_bucket *to_bucket = futex_bucket_of(kernel, &to);
    lock_two(from_bucket, to_bucket);
    int fits = change_word(&uio, &op);
    result = fits;
    if (fits >= 0)
        result = wake_in(from_bucket, &from, pair->wake, FUTEX_BITSET_MATCH_ANY);
    if (fits > 0)
        result += wake_in(to_bucket, &to, pair->other, FUTEX_BITSET_MATCH_ANY);
    unlock_two(from_bucket, to_bucket);
    user_unpin(pair->mm, &uio);
    return result;
}
