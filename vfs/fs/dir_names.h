/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/tree.h>

#include "vfs/inode.h"

/* A name in a directory that is kept in memory. */
struct dir_name {
    char *name;
    struct inode *inode; /* a reference; NULL: a whiteout */
    RB_ENTRY(dir_name) link;
};

RB_HEAD(dir_name_tree, dir_name);

/* The names of one directory, in order; guarded by the file system's lock of directories. */
struct dir_names {
    struct dir_name_tree tree;
    size_t count;
};

void dir_names_init(struct dir_names *names);
void dir_names_fini(struct dir_names *names);
/* Borrowed pointers, good until the name is removed. */
struct dir_name *dir_names_find(const struct dir_names *names, const char *name);
struct dir_name *dir_names_first(const struct dir_names *names);
struct dir_name *dir_names_next(struct dir_name *name);
/* The name is not there yet; takes a reference to inode. */
int dir_names_add(struct dir_names *names, const char *name, struct inode *inode);
/* What the name stands for from now on; gets a reference. */
void dir_name_set(struct dir_name *name, struct inode *inode);
void dir_names_remove(struct dir_names *names, struct dir_name *name);

int dir_names_save(const struct dir_names *names, struct saver *saver, DirName ***ret,
                   size_t *count);
/* can_hide: a whiteout is possible. */
int dir_names_load(struct dir_names *names, struct loader *loader, DirName *const *messages,
                   size_t count, bool can_hide);

/* DT_* of an inode's mode. */
unsigned dir_type(uint32_t mode);
