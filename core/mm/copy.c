/* SPDX-License-Identifier: Apache-2.0 */
/* Whole copies from and to guest memory, by pins of at most 64 KB. */
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/mm/mm.h"

enum copy_kind { COPY_IN, COPY_OUT, COPY_ZERO };

static ptrdiff_t copy_part(struct uio *uio, enum copy_kind kind, char *kernel, const char *from)
{
    switch (kind) {
    case COPY_IN:
        return uio_copy_from(uio, kernel, uio->size);
    case COPY_OUT:
        return uio_copy_to(uio, from, uio->size);
    case COPY_ZERO:
        return uio_zero(uio, uio->size);
    }
    return -EINVAL;
}

/* The bytes copied before a fault. */
static size_t copy(struct mm *mm, guest_addr_t guest, size_t size, enum copy_kind kind, char *to,
                   const char *from)
{
    size_t done = 0;

    while (done < size) {
        struct uio uio;
        ptrdiff_t n;

        if (user_pin(mm, guest + done, size - done, kind == COPY_IN ? FAULT_READ : FAULT_WRITE,
                     &uio) < 0)
            break;
        n = copy_part(&uio, kind, to ? to + done : NULL, from ? from + done : NULL);
        user_unpin(mm, &uio);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

int user_copy_in(struct mm *mm, void *to, guest_addr_t from, size_t size)
{
    return copy(mm, from, size, COPY_IN, to, NULL) == size ? 0 : -EFAULT;
}

int user_copy_out(struct mm *mm, guest_addr_t to, const void *from, size_t size)
{
    return copy(mm, to, size, COPY_OUT, NULL, from) == size ? 0 : -EFAULT;
}

int user_zero(struct mm *mm, guest_addr_t to, size_t size)
{
    return copy(mm, to, size, COPY_ZERO, NULL, NULL) == size ? 0 : -EFAULT;
}

int user_copy_string(struct mm *mm, char *to, guest_addr_t from, size_t size)
{
    size_t done = 0;

    while (done < size) {
        size_t page_left = MEM_PAGE - (from + done) % MEM_PAGE;
        size_t part = size - done < page_left ? size - done : page_left;
        size_t copied = copy(mm, from + done, part, COPY_IN, to + done, NULL);
        char *end = memchr(to + done, '\0', copied);

        if (end)
            return (int)(end - to);
        if (copied < part)
            return -EFAULT;
        done += copied;
    }
    return -ENAMETOOLONG;
}

static int copy_in(void *context, void *to, guest_addr_t from, size_t size)
{
    return user_copy_in(context, to, from, size);
}

static int copy_out(void *context, guest_addr_t to, const void *from, size_t size)
{
    return user_copy_out(context, to, from, size);
}

struct user_memory user_memory_of(struct mm *mm)
{
    return (struct user_memory){.copy_in = copy_in, .copy_out = copy_out, .context = mm};
}
