/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vfs/file.h"
#include "vfs/vfs_boot.h"

enum { WORLD_PATH = 256, WORLD_BINDS = 2, WORLD_ROOTS = 4 };

/* A tree of mounts without a kernel, over directories of the host made for the test. */
struct vfs_world {
    char top[WORLD_PATH]; /* on the host; "root" and "bind0", "bind1" are in it */
    struct host_root roots[WORLD_ROOTS];
    struct vfs_context context;
    struct memfile *memfile;
    struct mount *root; /* a reference */
    struct cred cred;
    struct fs_view view; /* root's root, cred */
    size_t objects;
    unsigned descriptors;
};

extern struct vfs_world vfs_world;

/* cmocka fixtures of one test: nothing is mounted; the host's directories exist. tear_down checks
 * that no object, memory or host descriptor is left. */
int vfs_world_set_up(void **state);
int vfs_world_tear_down(void **state);

/* Mounts the root: a tmpfs, or the host's directory with or without an overlay. */
void world_mount_tmpfs(void);
void world_mount_host(bool overlay);
/* Looks from the root of a mount from now on, whose reference it takes. */
void world_look(struct mount *root);
/* Donates bind (0 or 1) and mounts it at dst. */
void world_bind(unsigned bind, const char *dst, bool is_writable);
/* The same for any path of the host, opened with flags. */
void world_bind_path(const char *path, int flags, const char *dst, bool is_writable);
/* Looks from there as this user from now on. */
void world_become(uint32_t uid, uint32_t gid);
/* Puts what looks and the mounts. */
void world_unmount(void);

/* On the host, names below top. */
void host_write(const char *name, const char *text);
void host_make_directory(const char *name);
/* The content of a file, "" if there is none. */
const char *host_read(const char *name);
bool host_exists(const char *name);
void host_path(const char *name, char to[WORLD_PATH]);

/* In the world; results are 0 or -errno. */
int world_open(const char *name, int flags, struct file **ret);
int world_write(const char *name, const char *text); /* O_CREAT | O_TRUNC */
/* The content, or "-ENOENT" and the like. */
const char *world_read(const char *name);
int64_t file_write_text(struct file *file, const char *text);
const char *file_read_text(struct file *file, uint64_t position);
int world_stat(const char *name, struct stat *ret); /* does not follow */
int world_mkdir(const char *name);
int world_unlink(const char *name);
int world_rmdir(const char *name);
int world_rename(const char *from, const char *to, unsigned flags);
int world_link(const char *from, const char *to);
int world_symlink(const char *target, const char *name);
/* Names without . and .., sorted, a blank behind each. */
const char *world_list(const char *name);
