/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/tree.h>

#include "vfs/file.h"
#include "vfs/mapping.h"
#include "vfs/vfs_context.h"

/* What an inode's descriptor can do. */
enum hostfs_access { HOSTFS_PATH, HOSTFS_READ, HOSTFS_WRITE };

/* A file of the host. It holds a descriptor of it as long as it lives, so its number stays its own.
 */
struct hostfs_inode {
    union {
        struct object object;
        struct inode inode;
    };
    const struct host_root *root; /* borrowed from the context; saved by name */
    char *path;                /* below root, "" for itself: where it was last seen; LOCK_HOSTFS */
    uint64_t host_nr;          /* the host's st_ino; attr.nr is the guest's */
    enum hostfs_access access; /* of fd; inode.lock */
    bool is_ghost;             /* of an image: it has no file on the host, and no fd */
    struct bytes ghost;        /* its content, until it is used; inode.lock */
    struct mapping mapping;    /* the host's pages, or those of a ghost */
    /* not saved, derived */
    int fd; /* -1: none. Replaced in place when access grows */
    /* not saved */
    bool is_listed; /* in the table */
    uint64_t host_dev;
    enum hostfs_access mapped; /* of the descriptor that mapping has */
    bool is_refused;           /* of proc, sysfs or the like: a name only */
    RB_ENTRY(hostfs_inode) link;
};

extern const struct snapshot_type hostfs_inode_type;
extern const struct inode_ops hostfs_dir_ops, hostfs_inode_ops;
extern const struct file_ops hostfs_file_ops;

/* Returns a reference to what was donated. The root "/", if read-only, is taken for ours alone:
 * nobody changes it, so names and attributes are kept; all others are looked up each time. */
int hostfs_create(const struct host_root *root, struct inode **ret);
/* NULL: it is of another file system. */
struct hostfs_inode *hostfs_of(struct inode *inode);
/* Reads from a regular file. */
int64_t hostfs_read_inode(struct inode *inode, struct uio *uio, uint64_t offset);

/* SEEK_DATA or SEEK_HOLE from offset: where that is, or -ENXIO. */
int64_t hostfs_next(struct inode *inode, int64_t offset, int whence);

/* --- hostfs_table.c: which inodes there are --- */

/* A reference to the inode of an O_PATH (or better: access) descriptor, which is taken also on
 * failure, as is path (host_alloc). dir_dev: the host's st_dev of the directory, 0 for a root. */
int hostfs_inode_get(const struct host_root *root, char *path, int fd, enum hostfs_access access,
                     uint64_t dir_dev, struct inode **ret);
/* A copy of where an inode was last seen; NULL: no memory. */
char *hostfs_path(const struct hostfs_inode *hostfs);
/* dir/name, allocated; NULL: no memory. */
char *hostfs_join(const char *dir, const char *name);
/* The host moved (is_exchange: exchanged) what is at from and to: paths at and below follow. */
void hostfs_move_paths(const struct host_root *root, const char *from, const char *to,
                       bool is_exchange);
/* For a loaded inode: enters it, if none stands for its file yet, and claims its st_dev. */
void hostfs_table_add(struct hostfs_inode *hostfs);
void hostfs_table_remove(struct hostfs_inode *hostfs);
/* Is what fd is on a file system whose files are not to be opened? */
int hostfs_is_refused(int fd, bool *ret);
/* Operations by the type of the inode. */
void hostfs_set_ops(struct hostfs_inode *hostfs);
/* attr from what the host says; nr stays. */
void hostfs_set_attr(struct hostfs_inode *hostfs, const struct stat *stat);

/* --- hostfs_file.c --- */

/* Makes fd able to do what is asked. -ESTALE: another file is there now. */
int hostfs_grow_access(struct hostfs_inode *hostfs, enum hostfs_access access);
