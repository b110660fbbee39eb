/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID tells of an address space: its maps, and what exec put on the stack, read as it is
 * now. A zombie's are empty.
 */
#include <errno.h>

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
        return err;
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
        return err;
    if (target.mm != NULL)
        err = bytes_append(ret, target.mm->auxv, target.mm->auxv_size);
    target_put(&target);
    return err;
}
