/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/uio.h>

#include "core/mm/mm.h"

enum {
    RANGES_FAST = 8,   /* UIO_FASTIOV: so many stand in the struct */
    RANGES_MAX = 1024, /* IOV_MAX */
};

/* The most bytes one call moves (Linux: MAX_RW_COUNT). */
#define RANGES_SIZE_MAX UINT64_C(0x7ffff000)

/* Where in guest memory a call moves its bytes to or from; part of a wait record. */
struct user_ranges {
    uint32_t count;
    struct iovec fast[RANGES_FAST];
    struct iovec *more; /* all ranges, if they are more than fast has room for */
    /* not saved, derived */
    uint64_t size; /* of all ranges */
};

const struct iovec *ranges_get(const struct user_ranges *ranges);
/* One range; count of them, read from guest memory. They are cut at RANGES_SIZE_MAX bytes in all.
 * -EINVAL, -EFAULT, -ENOMEM. */
int ranges_set(struct user_ranges *ranges, guest_addr_t address, uint64_t size);
int ranges_copy_in(struct user_ranges *ranges, struct mm *mm, guest_addr_t from, uint64_t count);
void ranges_fini(struct user_ranges *ranges); /* legal twice; leaves them empty */

/* Ranges ↔ repeated GuestRange. */
int ranges_save(const struct user_ranges *ranges, struct saver *saver, size_t *count,
                GuestRange ***ret);
int ranges_load(struct user_ranges *ranges, struct loader *loader, const char *field, size_t count,
                GuestRange *const *message);
