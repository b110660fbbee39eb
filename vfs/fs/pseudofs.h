/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/inode.h"
#include "vfs/path.h"
#include "vfs/vfs_context.h"

/*
 * A tree of generated files: constant tables of nodes, given content by their functions. Where a
 * directory has names that are numbers (processes, descriptors), one node stands for all of them;
 * the numbers on the way to a place are part of the place.
 */
enum { PSEUDO_NUMBERS = 3 };

struct pseudo_place {
    struct vfs_context *context;
    const struct pseudo_fs *fs;
    const struct pseudo_node *node;
    int32_t numbers[PSEUDO_NUMBERS]; /* of such directories on the way; 0 where there is none */
    int64_t birth; /* which of those that had the number; check sets it. A time of the sandbox */
    struct waiter *asker; /* show, store: of the task that reads or writes; NULL: nobody knows */
};

typedef int pseudo_number_fn(void *context, int32_t number);

/* Functions are called inside the gate, with no lock held but by store: LOCK_FILE. */
struct pseudo_node {
    const char *name; /* "#" stands for the number, at the end */
    uint32_t mode;
    bool is_private; /* fs->permit has a say when it is opened, read as a link or followed */
    bool of_thread;  /* its numbers are a process, a thread of it, and what comes then */
    /* directories */
    const struct pseudo_node *children; /* the last one has no name */
    const struct pseudo_node *numbered; /* what stands for the numbers; NULL: there are none */
    int (*list)(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context);
    /* numbered ones: 0, or -ENOENT: there is no such number. May say what else a place has */
    int (*check)(struct pseudo_place *place);
    uint32_t (*bits)(const struct pseudo_place *place); /* permissions, where they differ */
    /* regular files */
    const char *text; /* what never changes; else show makes it */
    int (*show)(const struct pseudo_place *place, struct bytes *ret);
    int (*store)(const struct pseudo_place *place, const char *text, size_t size);
    /* Files too large to be made at once: appends what is at position, or puts size bytes there and
     * tells how many. */
    int (*fetch)(const struct pseudo_place *place, uint64_t position, struct bytes *ret);
    int64_t (*put)(const struct pseudo_place *place, uint64_t position, const void *from,
                   size_t size);
    /* symbolic links; task: who asks. follow: jumps instead of reading */
    int (*readlink)(const struct pseudo_place *place, void *task, struct bytes *ret);
    int (*follow)(const struct pseudo_place *place, void *task, struct path *ret);
};

/* One such file system; what vfs_context.proc and sys point to. */
struct pseudo_fs {
    const struct pseudo_node *root;
    long magic; /* statfs(2) */
    /* May task (fs_view.task, NULL: nobody) have what is_private there? 0 or -errno. */
    int (*permit)(const struct pseudo_place *place, void *task);
    /* Whose a place is; set to 0 before. */
    void (*owner)(const struct pseudo_place *place, uint32_t *uid, uint32_t *gid);
};

struct proc_inode;

extern const struct snapshot_type proc_inode_type;

/* The root directory of fs, which is one of context's; a reference. */
int pseudofs_create(struct vfs_context *context, const struct pseudo_fs *fs, struct inode **root);

/* The inode of a place; dev: st_dev of its file system. */
int pseudofs_create_at(const struct pseudo_place *place, uint64_t dev, struct inode **ret);

/* The place of an inode, borrowed; NULL: it is of another file system. */
const struct pseudo_place *pseudofs_place(const struct inode *inode);
