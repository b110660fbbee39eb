/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "core/base/bytes.h"
#include "core/base/uio.h"
#include "snapshot/snapshot.h"
#include "vfs/cred.h"
#include "vfs/file_lock.h"
#include "vfs/xattr.h"

struct file;
struct file_ops;
struct mapping;
struct path;

/* What stat tells, kept with inodes whose attributes are ours. Times are CLOCK_REALTIME, ns. */
struct inode_attr {
    uint64_t nr;
    _Atomic uint32_t mode; /* type and permissions; whoever asks for the type needs no lock */
    uint32_t uid, gid;
    uint32_t nlink;
    uint64_t rdev;
    bool is_linkable; /* made by O_TMPFILE without O_EXCL: link may give it its first name */
    int64_t atime, mtime, ctime;
    int64_t btime; /* 0: not known */
};

/*
 * First member of every kind of inode (as an anonymous union with object), each an object type of
 * its own with family OBJECT_INODE. The kind's x_init calls inode_init; its x_fini inode_fini.
 */
struct inode {
    struct object object;
    const struct inode_ops *ops;     /* not saved: set by init, or by load where the type decides */
    const struct file_ops *file_ops; /* not saved: as ops */
    bool is_shared;    /* not saved: its names change on the host, look each up anew */
    struct mutex lock; /* LOCK_INODE; guards attr */
    struct inode_attr attr;
    struct xattr_list xattrs; /* not saved: by kinds with change_xattr; lock */
    /* Files that may write it, and programs that run from it: one excludes the other (ETXTBSY). */
    unsigned writer_count, runner_count; /* not saved, derived: lock; counted by files */
    uint64_t dev;            /* st_dev: synthetic, of its file system; saved with attr */
    struct file_locks locks; /* not saved, derived: their owners have them */
};

void inode_init(struct inode *inode, const struct inode_ops *ops, const struct file_ops *file_ops);
void inode_fini(struct inode *inode);
/* A number no other inode of this sandbox has. The next one is saved with the kernel. */
uint64_t inode_next_nr(void);
/* An st_dev that no other file system of this sandbox has; loaded inodes claim theirs. */
uint64_t inode_next_dev(void);
uint64_t inode_last_nr(void);
void inode_set_last_nr(uint64_t nr);

/* The common part of the messages of inodes. load reports what cannot be; a type other than S_IF*
 * is one. */
int inode_save_attr(const struct inode *inode, struct saver *saver, InodeAttr **ret);
void inode_load_attr(struct inode *inode, struct loader *loader, const InodeAttr *message);

/* Called once a name; the name is borrowed. Not 0: ends the listing with that result. */
typedef int inode_list_fn(void *context, const char *name, uint64_t nr, unsigned type /* DT_* */);

enum {
    ATTR_MODE = 1,
    ATTR_UID = 2,
    ATTR_GID = 4,
    ATTR_SIZE = 8,
    ATTR_ATIME = 16,
    ATTR_MTIME = 32,
    ATTR_TOUCH = 64, /* both times are now: write permission is enough */
};
struct attr_change {
    unsigned set; /* ATTR_* */
    uint32_t mode, uid, gid;
    uint64_t size;
    bool has_limit; /* RLIMIT_FSIZE of who asks: -EFBIG beyond size_limit */
    uint64_t size_limit;
    int64_t atime, mtime;
};

/*
 * What a file system does with an inode. NULL members answer as Linux would (ENOTDIR for names in
 * what is no directory, EPERM or EROFS for changes). Permissions, .. and mounts are checked by the
 * caller (namei). Names are one component, NAME_MAX at most. Results are references.
 */
struct inode_ops {
    /* Of files that never had a name, what /proc/pid/fd shows: see anon_inode.h. */
    const char *anonymous;
    /* LOCK_DIR: held by the caller of lookup to list; NULL: they need none. A file system that
     * moves names between directories has one for all of them. */
    struct mutex *names_lock;
    int (*lookup)(struct inode *dir, const char *name, struct inode **ret); /* -ENOENT */
    int (*create)(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                  const struct cred *cred, struct inode **ret); /* S_IFREG, S_IFIFO, …; -EEXIST */
    int (*mkdir)(struct inode *dir, const char *name, uint32_t mode, const struct cred *cred,
                 struct inode **ret);
    int (*symlink)(struct inode *dir, const char *name, const char *target, const struct cred *cred,
                   struct inode **ret);
    int (*link)(struct inode *dir, const char *name, struct inode *inode);
    int (*unlink)(struct inode *dir, const char *name, struct inode *inode);
    int (*rmdir)(struct inode *dir, const char *name, struct inode *inode);
    /* flags: RENAME_NOREPLACE, RENAME_EXCHANGE; target is NULL when there is none. */
    int (*rename)(struct inode *from_dir, const char *from, struct inode *inode,
                  struct inode *to_dir, const char *to, struct inode *target, unsigned flags);
    int (*tmpfile)(struct inode *dir, uint32_t mode, const struct cred *cred, struct inode **ret);
    int (*list)(struct inode *dir, inode_list_fn *fn, void *context); /* without . and .. */
    int (*readlink)(struct inode *inode, struct bytes *ret);          /* not terminated */
    /* Instead of readlink, where it depends on who asks (fs_view.task): /proc/self. */
    int (*readlink_by)(struct inode *inode, void *task, struct bytes *ret);
    int (*getattr)(struct inode *inode, struct stat *ret); /* NULL: from attr */
    int (*setattr)(struct inode *inode, const struct attr_change *change);
    /* Before an extended attribute changes. NULL: there are none. */
    int (*change_xattr)(struct inode *inode);
    /* Before a file is made on it, no lock held: a copy-up, a device. May replace *inode, a
     * reference that it then puts, by what is really opened. With O_TRUNC the size becomes 0. */
    int (*open)(struct inode **inode, int flags);
    /* May task (fs_view.task) open it, apart from what the mode says? */
    int (*permit)(struct inode *inode, void *task);
    int (*statfs)(struct inode *inode, struct statfs *ret);
    /* The pages, NULL when it cannot be mapped (-ENODEV). Returns a borrowed pointer. */
    struct mapping *(*mapping)(struct inode *inode);
    /* A magic link (/proc/self/exe, fd/N): jumps there. Returns references. */
    int (*follow)(struct inode *inode, const struct cred *cred, void *task, struct path *ret);
};

/* statx's source for every inode: attr or the file system's getattr. */
int inode_getattr(struct inode *inode, struct stat *ret);
/* What ops->statfs says, or the same for any kernel-made file system. */
int inode_statfs(struct inode *inode, struct statfs *ret);
/* Fills a stat from attr (size and blocks are 0). */
void inode_stat_attr(struct inode *inode, struct stat *ret);
/* 0, -EACCES; mask as in cred_check. */
int inode_check(struct inode *inode, const struct cred *cred, int mask);
/* Type and permissions as they are now. */
static inline uint32_t inode_mode(const struct inode *inode)
{
    return inode->attr.mode;
}
/* What a symbolic link says to task (fs_view.task); -EINVAL: it is none. */
int inode_readlink(struct inode *inode, void *task, struct bytes *ret);
/* What ops->open does, O_TRUNC included where there is none. */
int inode_open(struct inode **inode, int flags);
/* Owner, group and times of a new inode in dir (NULL: none); S_ISGID directories hand theirs on. */
void inode_set_owner(struct inode *inode, struct inode *dir, uint32_t mode,
                     const struct cred *cred);
/* One who writes a regular file, or a program that is run from it (is_run). -ETXTBSY: there is one
 * of the other sort, unless is_forced. */
int inode_begin_use(struct inode *inode, bool is_run, bool is_forced);
void inode_end_use(struct inode *inode, bool is_run);
bool inode_is_run(struct inode *inode);
/* Applies to attr what is not the size; sets ctime. */
void inode_change_attr(struct inode *inode, const struct attr_change *change);
/* Adds to attr.nlink, sets ctime; is_modified: mtime too (a directory whose names changed). */
void inode_add_links(struct inode *inode, int count);
void inode_touch(struct inode *inode, bool is_modified);
/* relatime: a read at now. */
void inode_touch_read(struct inode *inode);
