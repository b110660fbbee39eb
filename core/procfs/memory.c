/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID tells of an address space: its maps, what exec put on the stack, read as it is
 * now, and the memory itself. A zombie's are empty.
 */
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/procfs/nodes.h"
#include "core/procfs/target.h"

enum { STACK_TEXT_MAX = 2 << 20 };

static int show_maps_as(const struct pseudo_place *place, enum mm_show how, struct bytes *ret)
{
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (target.mm != NULL && target.fs != NULL) {
        struct fs_view view;
        fs_view_get(target.fs, &target.task->cred, target.task, &view);
        err = mm_show_maps(target.mm, &view.root, how, ret);
        fs_view_put(&view);
    }
    target_put(&target);
    return err;
}

int show_maps(const struct pseudo_place *place, struct bytes *ret)
{
    return show_maps_as(place, MM_SHOW_MAPS, ret);
}

int show_smaps(const struct pseudo_place *place, struct bytes *ret)
{
    return show_maps_as(place, MM_SHOW_SMAPS, ret);
}

int show_smaps_rollup(const struct pseudo_place *place, struct bytes *ret)
{
    return show_maps_as(place, MM_SHOW_ROLLUP, ret);
}

/* Appends the guest's bytes from start to end, as far as they can be read. */
static int append_guest(struct mm *mm, guest_addr_t start, guest_addr_t end, struct bytes *ret)
{
    int err;

    if (end <= start || end - start > STACK_TEXT_MAX)
        return 0;
    err = bytes_reserve(ret, end - start);
    if (err < 0)
        return err;
    if (user_copy_in(mm, ret->data + ret->size, start, end - start) == 0)
        ret->size += end - start;
    return 0;
}

int show_cmdline(const struct pseudo_place *place, struct bytes *ret)
{
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (target.mm != NULL)
        err = append_guest(target.mm, target.mm->arg_start, target.mm->arg_end, ret);
    target_put(&target);
    return err;
}

int show_environ(const struct pseudo_place *place, struct bytes *ret)
{
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err == -ESRCH ? 0 : err;
    if (target.mm != NULL)
        err = append_guest(target.mm, target.mm->env_start, target.mm->env_end, ret);
    target_put(&target);
    return err;
}

int show_auxv(const struct pseudo_place *place, struct bytes *ret)
{
    struct target target;

    int err = target_get(place, &target);
    if (err < 0)
        return err == -ESRCH ? 0 : err;
    if (target.mm != NULL)
        err = bytes_append(ret, target.mm->auxv, target.mm->auxv_size);
    target_put(&target);
    return err;
}

/* --- memory itself --- */

/* What can be read at position, of what is there. */
static int read_memory(struct mm *mm, guest_addr_t at, struct bytes *ret)
{
    struct uio uio;

    int err = bytes_reserve(ret, UIO_SIZE_MAX);
    if (err == 0)
        err = user_pin(mm, at, UIO_SIZE_MAX, FAULT_READ, &uio);
    if (err < 0)
        return err == -EFAULT ? -EIO : err;
    ptrdiff_t size = uio_copy_from(&uio, ret->data + ret->size, uio.size);
    user_unpin(mm, &uio);
    if (size < 0)
        return -EIO;
    ret->size += (size_t)size;
    return 0;
}

/* *Linux:* what the process itself may not read or write cannot be by this, either; after an exec
 * an open file is about the new memory. */
int fetch_mem(const struct pseudo_place *place, uint64_t position, struct bytes *ret)
{
    struct target target;

    if (target_get(place, &target) < 0)
        return 0;
    int err = target.mm == NULL ? 0 : read_memory(target.mm, position, ret);
    target_put(&target);
    return err;
}

int64_t put_mem(const struct pseudo_place *place, uint64_t position, const void *from, size_t size)
{
    struct target target;
    int err = 0;

    if (target_get(place, &target) < 0)
        return 0;
    if (target.mm != NULL)
        err = user_copy_out(target.mm, position, from, size);
    else
        size = 0;
    target_put(&target);
    return err < 0 ? -EIO : (int64_t)size;
}

/* *Linux:* where pages are is not told: all words are 0. */
int fetch_pagemap(const struct pseudo_place *place, uint64_t position, struct bytes *ret)
{
    const uint64_t size = GUEST_ADDRESS_END / MEM_PAGE * sizeof(uint64_t);

    (void)place;
    if (position % sizeof(uint64_t) != 0)
        return -EINVAL;
    if (position >= size)
        return 0;
    uint64_t part = size - position < UIO_SIZE_MAX ? size - position : UIO_SIZE_MAX;
    int err = bytes_reserve(ret, part);
    if (err < 0)
        return err;
    memset(ret->data, 0, part);
    ret->size = part;
    return 0;
}

/* *Linux:* nothing is noted about references, so there is nothing to clear. */
int store_clear_refs(const struct pseudo_place *place, const char *text, size_t size)
{
    (void)place;
    return size > 0 && text[0] >= '1' && text[0] <= '5' ? 0 : -EINVAL;
}
