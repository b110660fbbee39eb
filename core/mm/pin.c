/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: guest memory for the kernel (R8). Each page is made ready as for a guest's touch; what is
 * pinned is owned once more, so that it is neither punched nor taken over meanwhile. Pages of host
 * files are reached through their mapping's window: vmas that go meanwhile keep their files until
 * window_pins is 0. Write pins are counted: fork waits for them.
 */
#include <errno.h>

#include "core/base/host.h"
#include "core/mm/space.h"

/* A run of bytes that one resolve made ready. */
struct pinned {
    char *data;
    size_t size;
    uint64_t offset; /* in the memfile, if is_memory */
    bool is_memory;
};

static int pin_part(struct mm *mm, guest_addr_t address, size_t size, enum fault_access access,
                    struct pinned *ret)
{
    struct vma *vma = mm_touch(mm, address);
    guest_addr_t end;
    struct pma *pma;
    int err;

    if (!vma || !vma_allows(vma, access))
        return -EFAULT;
    err = mm_resolve(mm, vma, PAGE_DOWN(address), access, &pma);
    if (err < 0)
        return err;
    end = min_u64(pma->end, CHUNK_DOWN(address) + MEM_CHUNK);
    ret->size = min_u64(size, end - address);
    ret->is_memory = pma_is_memory(pma);
    ret->offset = pma_offset(pma, address);
    if (!ret->is_memory)
        return mm_host_window(vma->mapping, ret->offset, access & FAULT_WRITE, &ret->data,
                              &ret->size);
    ret->data = memfile_at(mm->kernel->memfile, ret->offset);
    return 0;
}

static bool is_window(const struct uio *uio, unsigned segment)
{
    return uio->windows >> segment & 1;
}

/* Adds it to the last segment where it follows on; false: no segment is left. */
static bool add_segment(struct uio *uio, const struct pinned *part)
{
    struct iovec *last = uio->count > 0 ? &uio->segments[uio->count - 1] : NULL;

    if (last && is_window(uio, uio->count - 1) != part->is_memory &&
        (char *)last->iov_base + last->iov_len == part->data) {
        last->iov_len += part->size;
    } else {
        if (uio->count == UIO_SEGMENTS)
            return false;
        if (!part->is_memory)
            uio->windows |= UINT64_C(1) << uio->count;
        uio->segments[uio->count++] = (struct iovec){part->data, part->size};
    }
    uio->size += part->size;
    return true;
}

static uint64_t segment_offset(const struct mm *mm, const struct iovec *segment)
{
    return (uint64_t)((char *)segment->iov_base - memfile_at(mm->kernel->memfile, 0));
}

/* Owns what the segments describe; they do not change any more. */
static void hold(struct mm *mm, const struct uio *uio)
{
    for (unsigned i = 0; i < uio->count; i++) {
        const struct iovec *segment = &uio->segments[i];

        if (is_window(uio, i))
            mm->window_pins++;
        else
            memfile_get(mm->kernel->memfile, segment_offset(mm, segment), segment->iov_len);
    }
}

static int pin_range(struct mm *mm, guest_addr_t address, size_t size, enum fault_access access,
                     struct uio *uio)
{
    struct pinned part;
    int err;

    for (size_t done = 0; done < size; done += part.size) {
        err = pin_part(mm, address + done, size - done, access, &part);
        if (err < 0)
            return err;
        if (!add_segment(uio, &part))
            return -E2BIG;
    }
    return 0;
}

/* What a pin that got nothing answers. */
static int pin_error(int err)
{
    return err == -E2BIG ? 0 : -EFAULT;
}

static int finish(struct mm *mm, int err, enum fault_access access, struct uio *uio)
{
    if (uio->size == 0)
        return err < 0 ? pin_error(err) : 0;
    hold(mm, uio);
    uio->is_write = access & FAULT_WRITE;
    if (uio->is_write)
        mm->pin_count++;
    return 0;
}

int user_pin(struct mm *mm, guest_addr_t address, size_t size, enum fault_access access,
             struct uio *ret)
{
    struct iovec iov = {(void *)address, size};

    return user_pin_iov(mm, &iov, 1, 0, access, ret);
}

int user_pin_iov(struct mm *mm, const struct iovec *iov, unsigned count, uint64_t skip,
                 enum fault_access access, struct uio *ret)
{
    int err = 0;

    uio_init(ret, NULL, 0);
    ret->count = 0;
    ret->windows = 0;
    ret->is_write = false;
    mm_lock(mm);
    for (unsigned i = 0; i < count && err == 0 && ret->size < UIO_SIZE_MAX; i++) {
        size_t skipped = min_u64(skip, iov[i].iov_len);
        size_t size = min_u64(iov[i].iov_len - skipped, UIO_SIZE_MAX - ret->size);

        skip -= skipped;
        err = pin_range(mm, (guest_addr_t)iov[i].iov_base + skipped, size, access, ret);
    }
    err = finish(mm, err, access, ret);
    mm_unlock(mm);
    return err;
}

void user_unpin(struct mm *mm, struct uio *uio)
{
    bool wake;

    if (uio->count == 0)
        return;
    mm_lock(mm);
    for (unsigned i = 0; i < uio->count; i++) {
        const struct iovec *segment = &uio->segments[i];

        if (is_window(uio, i))
            mm->window_pins--;
        else
            memfile_put(mm->kernel->memfile, segment_offset(mm, segment), segment->iov_len);
    }
    wake = uio->is_write && --mm->pin_count == 0;
    if (wake)
        atomic_fetch_add(&mm->pin_turn, 1);
    mm_unlock(mm);
    if (wake)
        host_futex_wake(&mm->pin_turn, INT32_MAX);
    uio->count = 0;
    uio->size = uio->done = 0;
}

bool mm_place_of(struct mm *mm, guest_addr_t address, uint64_t *ret)
{
    const struct pma *pma;
    bool is_memory;

    mm_lock(mm);
    pma = pma_at(mm, address);
    is_memory = pma && pma_is_memory(pma);
    if (is_memory)
        *ret = pma_offset(pma, address);
    mm_unlock(mm);
    return is_memory;
}
