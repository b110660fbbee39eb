/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a futex is known by, and the hash in which those who wait hang. A key holds no reference:
 * its mm is the waiter's own, which lives as long as the wait, and numbers of inodes are not given
 * twice. So a key may change under a queue's lock, and holds in every address space.
 */
#include "core/futex_table.h"

#include <errno.h>

#include "core/base/host.h"
#include "core/kernel.h"

enum { BUCKET_BITS = 8, BUCKETS = 1 << BUCKET_BITS };

struct futex_table {
    struct futex_bucket buckets[BUCKETS];
};

int futex_table_create(struct futex_table **ret)
{
    struct futex_table *table = host_alloc(1, sizeof(*table));

    if (table == NULL)
        return -ENOMEM;
    for (int i = 0; i < BUCKETS; i++) {
        mutex_init(&table->buckets[i].lock, LOCK_FUTEX);
        wait_queue_init(&table->buckets[i].waiters, &table->buckets[i].lock);
    }
    *ret = table;
    return 0;
}

void futex_table_free(struct futex_table *table)
{
    if (table == NULL)
        return;
    for (int i = 0; i < BUCKETS; i++)
        mutex_fini(&table->buckets[i].lock);
    host_free(table);
}

bool futex_key_has_mm(const struct futex_key *key)
{
    return key->kind == FUTEX_OF_CALLER || key->kind == FUTEX_OF_MM;
}

bool futex_key_is(const struct futex_key *a, const struct futex_key *b)
{
    return a->kind == b->kind && a->offset == b->offset && a->mm == b->mm && a->dev == b->dev &&
           a->inode == b->inode;
}

struct futex_bucket *futex_bucket_of(struct kernel *kernel, const struct futex_key *key)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = key->offset;

    hash = (hash ^ (uintptr_t)key->mm) * odd;
    hash = (hash ^ key->inode ^ key->dev << 32) * odd;
    return &kernel->futexes->buckets[hash >> (64 - BUCKET_BITS)];
}

int futex_key_of(struct mm *mm, guest_addr_t address, bool is_private, struct futex_key *ret)
{
    struct mm_place place;

    if (address % sizeof(uint32_t) != 0)
        return -EINVAL;
    if (address >= GUEST_ADDRESS_END)
        return -EFAULT;
    *ret = (struct futex_key){.kind = FUTEX_OF_CALLER, .mm = mm, .offset = address};
    if (is_private)
        return 0;
    int err = mm_place(mm, address, &place);
    if (err < 0)
        return err;
    ret->offset = place.offset;
    ret->dev = place.dev;
    ret->inode = place.inode;
    ret->kind = place.is_shared ? FUTEX_OF_FILE : FUTEX_OF_MM;
    if (place.is_shared)
        ret->mm = NULL;
    return 0;
}

int futex_pin(struct mm *mm, guest_addr_t address, bool is_private, enum fault_access access,
              struct futex_key *key, struct uio *uio)
{
    int err = futex_key_of(mm, address, is_private, key);

    return err < 0 ? err : user_pin(mm, address, sizeof(uint32_t), access, uio);
}
