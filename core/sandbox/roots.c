/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The donated directories as mounts of our own (open_tree(2), move_mount(2)). A descriptor of the
 * host's mount would lead above the directory by "..", and the filter cannot see how openat2 is
 * asked to resolve; above the root of a clone there is only the empty tree of this sandbox. Clones
 * are made before anything of ours covers the host's tree. Donated files lead nowhere and stay.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/sandbox/confine.h"

/* What fd is, by its name in the mount namespace that we have entered. */
static int reopen(int fd, int *ret)
{
    char link[64];
    char path[PATH_MAX];
    struct stat before;
    struct stat after;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    if (size < 0)
        return -errno;
    path[size] = '\0';
    int again = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
    if (again < 0)
        return -errno;
    if (fstat(fd, &before) < 0 || fstat(again, &after) < 0 || before.st_dev != after.st_dev ||
        before.st_ino != after.st_ino) {
        (void)close(again);
        return -ESTALE;
    }
    *ret = again;
    return 0;
}

/* Makes fd, in place, the root of a clone of the mounts below it. */
static int clone_root(int fd, bool is_writable)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                          (is_writable ? 0 : MOUNT_ATTR_RDONLY)};
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
    int again = -1;
    int err = reopen(fd, &again);

    if (err < 0)
        return err;
    int tree = (int)syscall(SYS_open_tree, again, "", flags);
    err = tree < 0 ? -errno : 0;
    (void)close(again);
    if (err < 0)
        return err;
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
        err = -errno;
    if (err == 0 && dup3(tree, fd, O_CLOEXEC) < 0)
        err = -errno;
    (void)close(tree);
    return err;
}

static bool is_directory(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode);
}

int roots_clone(struct control_start *start)
{
    int err = 0;

    for (size_t i = 0; i < start->spec->n_roots && err == 0; i++) {
        if (is_directory(start->root_fds[i]))
            err = clone_root(start->root_fds[i], start->spec->roots[i]->is_writable);
    }
    return err;
}

int roots_attach(struct control_start *start)
{
    char name[16];

    for (size_t i = 0; i < start->spec->n_roots; i++) {
        if (!is_directory(start->root_fds[i]))
            continue;
        (void)snprintf(name, sizeof(name), "%zu", i);
        if (mkdir(name, 0555) < 0)
            return -errno;
        if (syscall(SYS_move_mount, start->root_fds[i], "", AT_FDCWD, name,
                    MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return -errno;
    }
    return 0;
}
