/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/file.h"

/* A descriptor table (Linux: files_struct). Tasks made with CLONE_FILES share one. It grows. */
struct files_slot {
    struct file *file;
    bool is_cloexec;
};

struct files {
    struct object object;
    struct mutex lock; /* LOCK_FILES */
    struct files_slot *slots;
    uint32_t size;                /* of slots */
    struct file_lock_owner locks; /* F_SETLK's; it guards itself */
    /* not saved, derived */
    uint32_t open_count;
    /* not saved */
    uint32_t free_from; /* no slot below is free */
};

extern const struct snapshot_type files_type;

int files_create(struct files **ret);
int files_fork(struct files *from, struct files **ret);
/* Returns a reference, or NULL: EBADF. */
struct file *files_get(struct files *files, int fd);
/* The same, but NULL for what was opened with O_PATH: for calls that use the file itself. */
struct file *files_get_open(struct files *files, int fd);
/* The lowest free number >= from and < limit (RLIMIT_NOFILE); takes the reference, also on failure
 * (-EMFILE, -EINVAL for from >= limit). */
int files_add(struct files *files, struct file *file, int from, bool is_cloexec, uint64_t limit);
/* dup2 and dup3: takes the reference; what was there is closed. Returns fd. */
int files_set(struct files *files, int fd, struct file *file, bool is_cloexec, uint64_t limit);
int files_close(struct files *files, int fd); /* -EBADF */
void files_close_range(struct files *files, unsigned first, unsigned last);
int files_get_cloexec(struct files *files, int fd); /* 0, 1, -EBADF */
int files_set_cloexec(struct files *files, int fd, bool is_cloexec);
void files_set_cloexec_range(struct files *files, unsigned first, unsigned last);
/* How many slots there are (Linux: max_fds); select ignores bits beyond. */
uint32_t files_size(struct files *files);
void files_close_on_exec(struct files *files);
/* Calls fn for each open descriptor, rising; the file is a reference for the time of the call. */
int files_list(struct files *files, int (*fn)(void *context, int fd, struct file *file),
               void *context);
