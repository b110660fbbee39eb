/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving bytes through the segments of a uio. Every access is guarded: what was pinned may still
 * fault (a mapped host file that was cut off, a full memfile). Faults come by whole pages, so a
 * piece that faults is moved again page by page to find out how far it goes.
 */
#include "core/base/uio.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "core/base/host.h"

enum { FAULT_PAGE = 4096 };

/* What is done with one piece of guest memory; kernel is at the same distance from its start. */
enum uio_action { ACTION_FROM, ACTION_TO, ACTION_ZERO };

void uio_init(struct uio *uio, void *data, size_t size)
{
    uio->segments[0] = (struct iovec){.iov_base = data, .iov_len = size};
    uio->count = 1;
    uio->size = size;
    uio->done = 0;
}

size_t uio_left(const struct uio *uio)
{
    return uio->size - uio->done;
}

static int move_guarded(enum uio_action action, char *guest, char *kernel, size_t size)
{
    switch (action) {
    case ACTION_FROM:
        return host_copy_guarded(kernel, guest, size);
    case ACTION_TO:
        return host_copy_guarded(guest, kernel, size);
    case ACTION_ZERO:
        return host_zero_guarded(guest, size);
    }
    return -EINVAL;
}

/* Returns the bytes moved before a fault. */
static size_t move_piece(enum uio_action action, char *guest, char *kernel, size_t size)
{
    size_t done = 0;

    if (move_guarded(action, guest, kernel, size) == 0)
        return size;
    while (done < size) {
        size_t part = FAULT_PAGE - (uintptr_t)(guest + done) % FAULT_PAGE;
        part = part < size - done ? part : size - done;
        if (move_guarded(action, guest + done, kernel == NULL ? NULL : kernel + done, part) < 0)
            break;
        done += part;
    }
    return done;
}

/* The segment that holds byte uio->done; *skip is the distance of that byte from its start. */
static unsigned find_segment(const struct uio *uio, size_t *skip)
{
    unsigned i = 0;

    *skip = uio->done;
    while (i < uio->count && *skip >= uio->segments[i].iov_len)
        *skip -= uio->segments[i++].iov_len;
    return i;
}

static ptrdiff_t move(enum uio_action action, struct uio *uio, char *kernel, size_t size)
{
    size_t moved = 0, skip;

    size = size < uio_left(uio) ? size : uio_left(uio);
    for (unsigned i = find_segment(uio, &skip); moved < size; i++, skip = 0) {
        const struct iovec *segment = &uio->segments[i];
        size_t part = segment->iov_len - skip;
        part = part < size - moved ? part : size - moved;
        size_t done = move_piece(action, (char *)segment->iov_base + skip,
                                 kernel == NULL ? NULL : kernel + moved, part);
        moved += done;
        if (done < part)
            break;
    }
    uio->done += moved;
    return moved == 0 && size > 0 ? -EFAULT : (ptrdiff_t)moved;
}

ptrdiff_t uio_copy_from(struct uio *uio, void *to, size_t size)
{
    return move(ACTION_FROM, uio, to, size);
}

ptrdiff_t uio_copy_to(struct uio *uio, const void *from, size_t size)
{
    return move(ACTION_TO, uio, (char *)from, size);
}

ptrdiff_t uio_zero(struct uio *uio, size_t size)
{
    return move(ACTION_ZERO, uio, NULL, size);
}

int uio_exchange(const struct uio *uio, uint32_t expected, uint32_t wanted, uint32_t *ret)
{
    assert(uio->count > 0 && uio->segments[0].iov_len >= sizeof(uint32_t));
    return host_exchange_guarded(uio->segments[0].iov_base, expected, wanted, ret);
}

int uio_iovecs(const struct uio *uio, struct iovec out[UIO_SEGMENTS])
{
    size_t skip;
    int count = 0;

    for (unsigned i = find_segment(uio, &skip); i < uio->count; i++, skip = 0) {
        out[count].iov_base = (char *)uio->segments[i].iov_base + skip;
        out[count++].iov_len = uio->segments[i].iov_len - skip;
    }
    return count;
}

void uio_advance(struct uio *uio, size_t size)
{
    assert(size <= uio_left(uio));
    uio->done += size;
}
