/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ranges of guest memory that a call was given: read once, checked, kept in its wait record.
 */
#include "core/ranges.h"

#include <errno.h>

#include "core/base/host.h"

#define GUEST_END (UINT64_C(1) << 47)

const struct iovec *ranges_get(const struct user_ranges *ranges)
{
    return ranges->more != NULL ? ranges->more : ranges->fast;
}

/* Room for count ranges. */
static struct iovec *ranges_alloc(struct user_ranges *ranges, uint32_t count)
{
    ranges->count = count;
    if (count <= RANGES_FAST)
        return ranges->fast;
    ranges->more = host_alloc(count, sizeof(*ranges->more));
    return ranges->more;
}

/* Adds up the ranges, cuts them at RANGES_SIZE_MAX. -EINVAL, -EFAULT. */
static int ranges_add_up(struct user_ranges *ranges, struct iovec *all)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < ranges->count; i++) {
        uint64_t address = (uintptr_t)all[i].iov_base, part = all[i].iov_len;
        if (part > INT64_MAX || size + part > INT64_MAX)
            return -EINVAL;
        if (part > 0 && (part > GUEST_END || address > GUEST_END - part))
            return -EFAULT;
        if (part > RANGES_SIZE_MAX - size)
            all[i].iov_len = part = RANGES_SIZE_MAX - size;
        size += part;
    }
    ranges->size = size;
    return 0;
}

int ranges_set(struct user_ranges *ranges, guest_addr_t address, uint64_t size)
{
    ranges->count = 1;
    ranges->fast[0] = (struct iovec){.iov_base = (void *)(uintptr_t)address, .iov_len = size};
    return ranges_add_up(ranges, ranges->fast);
}

int ranges_copy_in(struct user_ranges *ranges, struct mm *mm, guest_addr_t from, uint64_t count)
{
    if (count > RANGES_MAX)
        return -EINVAL;
    struct iovec *to = ranges_alloc(ranges, (uint32_t)count);
    if (to == NULL)
        return -ENOMEM;
    int err = user_copy_in(mm, to, from, count * sizeof(*to));
    return err < 0 ? err : ranges_add_up(ranges, to);
}

void ranges_fini(struct user_ranges *ranges)
{
    host_free(ranges->more);
    ranges->more = NULL;
    ranges->count = 0;
    ranges->size = 0;
}

int ranges_save(const struct user_ranges *ranges, struct saver *saver, size_t *count,
                GuestRange ***ret)
{
    const struct iovec *all = ranges_get(ranges);

    GuestRange **message = save_messages(saver, &guest_range__descriptor, ranges->count);
    if (message == NULL && ranges->count > 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < ranges->count; i++) {
        message[i]->address = (uintptr_t)all[i].iov_base;
        message[i]->size = all[i].iov_len;
    }
    *count = ranges->count;
    *ret = message;
    return 0;
}

int ranges_load(struct user_ranges *ranges, struct loader *loader, const char *field, size_t count,
                GuestRange *const *message)
{
    if (count > RANGES_MAX) {
        load_bad(loader, field, "%zu are too many", count);
        return 0;
    }
    struct iovec *all = ranges_alloc(ranges, (uint32_t)count);
    if (all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        all[i].iov_base = (void *)(uintptr_t)message[i]->address;
        all[i].iov_len = message[i]->size;
    }
    if (ranges_add_up(ranges, all) < 0)
        load_bad(loader, field, "no call has these");
    return 0;
}
