/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID tells of mounts and open files.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "core/procfs/nodes.h"
#include "core/procfs/target.h"
#include "vfs/mount.h"

static int show_mounts_as(const struct pseudo_place *place, enum mount_format format,
                          struct bytes *ret)
{
    struct mount *mount = place_kernel(place)->machine->root_mount;
    struct target target;
    struct fs_view view;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (target.fs != NULL) {
        fs_view_get(target.fs, &target.task->cred, target.task, &view);
        err = mount_show(mount, &view.root, format, ret);
        fs_view_put(&view);
    }
    target_put(&target);
    return err;
}

int show_mounts(const struct pseudo_place *place, struct bytes *ret)
{
    return show_mounts_as(place, MOUNT_MOUNTS, ret);
}

int show_mountinfo(const struct pseudo_place *place, struct bytes *ret)
{
    return show_mounts_as(place, MOUNT_MOUNTINFO, ret);
}

int show_mountstats(const struct pseudo_place *place, struct bytes *ret)
{
    return show_mounts_as(place, MOUNT_MOUNTSTATS, ret);
}

/* What is in no tree is on a mount of the kernel's own, whose number is no other's. */
static int show_file(struct kernel *kernel, struct file *file, bool is_cloexec, struct bytes *ret)
{
    const int own_nr = 15;
    uint32_t flags = file_flags(file) | (is_cloexec ? O_CLOEXEC : 0);
    struct stat stat = {0};

    mutex_lock(&file->lock);
    uint64_t position = file->position;
    mutex_unlock(&file->lock);
    (void)inode_getattr(file->inode, &stat);
    int nr =
        file->path.mount == NULL ? own_nr : mount_nr(kernel->machine->root_mount, file->path.mount);
    int err = bytes_printf(ret, "pos:\t%" PRIu64 "\nflags:\t0%" PRIo32 "\nmnt_id:\t%d\nino:\t%ju\n",
                           position, flags, nr, (uintmax_t)stat.st_ino);
    if (err == 0 && file->ops->show != NULL)
        err = file->ops->show(file, ret);
    return err;
}

int show_fdinfo(const struct pseudo_place *place, struct bytes *ret)
{
    struct target target;
    struct file *file = NULL;
    int is_cloexec = 0;

    int err = target_get(place, &target);
    if (err < 0)
        return err;
    if (target.files != NULL) {
        file = files_get(target.files, target_number(place));
        is_cloexec = files_get_cloexec(target.files, target_number(place));
    }
    target_put(&target);
    if (file == NULL)
        return -ENOENT;
    err = show_file(place_kernel(place), file, is_cloexec > 0, ret);
    object_put(&file->object);
    return err;
}
