/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

typedef uint64_t guest_addr_t;

enum { UIO_SEGMENTS = 64, UIO_SIZE_MAX = 64 << 10 };

/*
 * Bytes from and to guest memory (or the kernel's own): host pointers that core has pinned (R8).
 * At most UIO_SIZE_MAX bytes at a time; a call that moves more does so by parts.
 */
struct uio {
    struct iovec segments[UIO_SEGMENTS];
    unsigned count;
    size_t size; /* of all segments */
    size_t done; /* bytes moved so far, from the front */
    /* core's, of a pin: */
    uint64_t windows; /* bit n: segment n lies in a window of a host file */
    bool is_write;    /* pinned for writing */
};

/* One segment: kernel memory. */
void uio_init(struct uio *uio, void *data, size_t size);

/* Bytes still to move. */
size_t uio_left(const struct uio *uio);

/* Move size bytes (at most what is left) out of, or into, what uio describes and advance it.
 * Returns the bytes moved, or -EFAULT when not even the first could be (a mapped host file was
 * truncated, or the memfile is full: SIGBUS is fixed up). */
ptrdiff_t uio_copy_from(struct uio *uio, void *to, size_t size);
ptrdiff_t uio_copy_to(struct uio *uio, const void *from, size_t size);
ptrdiff_t uio_zero(struct uio *uio, size_t size);

/* The first four bytes, which lie in one piece: set to wanted if they are expected, in one step;
 * *ret is what they were. -EFAULT. */
int uio_exchange(const struct uio *uio, uint32_t expected, uint32_t wanted, uint32_t *ret);

/* The segments not moved yet, for preadv and the like. Returns their count (at most UIO_SEGMENTS).
 */
int uio_iovecs(const struct uio *uio, struct iovec out[UIO_SEGMENTS]);
void uio_advance(struct uio *uio, size_t size);

/* Functions for what reaches guest memory by address: ioctl arguments. -EFAULT. */
struct user_memory {
    int (*copy_in)(void *context, void *to, guest_addr_t from, size_t size);
    int (*copy_out)(void *context, guest_addr_t to, const void *from, size_t size);
    void *context;
};
