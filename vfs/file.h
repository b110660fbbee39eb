/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <fcntl.h>
#include <poll.h>

#include <bsd/sys/queue.h>

#include "core/base/events.h"
#include "vfs/inode.h"
#include "vfs/path.h"

/* Where a call that must wait leaves its place: NULL, or O_NONBLOCK: it gets -EAGAIN instead. */
struct file_wait {
    struct waiter *waiter;
    struct wait_entry *entry;
};

/* One name of an open directory, as getdents gives it. */
struct dir_entry {
    char *name;
    uint64_t nr;
    unsigned type;
};

/* An open file description. */
struct file {
    struct object object;
    struct inode *inode;
    struct path path; /* for /proc and fchdir; both NULL: pipes and the like */
    /* Guarded by lock: */
    struct mutex lock; /* LOCK_FILE */
    atomic_uint flags; /* O_*: access mode and status flags, without O_CREAT and its kin; read by
                          file_flags, with or without the lock */
    uint64_t position;
    struct bytes content;      /* of a generated file (pseudofs), made by the first read */
    struct dir_entry *entries; /* of a directory, read when position is 0 */
    size_t entry_count;
    struct file_lock_owner locks; /* flock's, F_OFD_SETLK's; it guards itself */
    /* not saved, derived */
    bool is_open; /* file_ops->open was called: the inode counts us. While it is called: relinked */
    /* not saved */
    uint64_t content_start;          /* where content begins; is set whenever it is not 0 */
    atomic_bool is_watched;          /* an epoll has had it; stays */
    LIST_HEAD(, epoll_item) watches; /* the places in epolls; epoll_watch.c */
    const struct file_ops *ops;      /* the inode's */
};

extern const struct snapshot_type file_type;

/* F_SETFL may change them at any time: a call asks once. */
static inline uint32_t file_flags(const struct file *file)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed);
}

/* Those in mask become what flags says. */
void file_set_flags(struct file *file, uint32_t mask, uint32_t flags);

/*
 * How a file uses its inode. Any member may be NULL (EINVAL, ENOTTY, ESPIPE … as Linux). uio is
 * pinned; position is where to read or write, and is advanced (NULL: a stream). Whoever gives
 * &file->position, and whoever seeks, holds file->lock; the operations do not take it.
 */
struct file_ops {
    /* The file was made or relinked (takes no lock while loading); it is about to go. */
    void (*open)(struct file *file);
    void (*close)(struct file *file);
    /* Bytes moved (0: end of file), -errno, or WAIT_AGAIN: wait->entry is queued. Both leave no
     * entry queued when they return anything else. more: bytes the call wants to move in all, so
     * that a pipe knows which writes are atomic. */
    int64_t (*read)(struct file *file, struct uio *uio, uint64_t *position,
                    const struct file_wait *wait);
    int64_t (*write)(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                     const struct file_wait *wait);
    /* Before a read, when nothing is pinned or locked yet: makes the content of a generated file.
     * position NULL: the file's own. reader: of the task that reads. */
    int (*prepare)(struct file *file, const uint64_t *position, struct waiter *reader);
    /* POLL*; NULL: always readable and writable, and nothing for epoll (EPERM). It may find that
     * it is asked by one who stands in the queues already (poll.h). */
    uint32_t (*poll)(struct file *file);
    /* The queue that read (writing: write) waits in, kicked when poll's answer may have changed;
     * both when it hangs up or fails. One queue may be both. */
    struct wait_queue *(*queue)(struct file *file, bool writing);
    int64_t (*seek)(struct file *file, int64_t offset, int whence); /* NULL: ESPIPE */
    int64_t (*ioctl)(struct file *file, unsigned request, guest_addr_t argument,
                     const struct user_memory *user);
    int (*sync)(struct file *file);
    /* Appends lines of its own to /proc/PID/fdinfo/N. No lock is held. */
    int (*show)(struct file *file, struct bytes *ret);
    int (*fallocate)(struct file *file, int mode, uint64_t offset, uint64_t size);
};

/* Flags of open(2) that stay with a file; the rest is for the call alone. */
enum {
    FILE_LARGE = 0100000, /* O_LARGEFILE, which libc calls 0 */
    FILE_RUN = 040,       /* ours: a program is run from it (FMODE_EXEC) */
    FILE_FLAGS = ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC) & 037777777,
};

/* Returns a reference to a file on inode (borrowed, as path; NULL: none). flags are open(2)'s, and
 * FILE_RUN. -ETXTBSY. */
int file_create(struct inode *inode, const struct path *path, uint32_t flags, struct file **ret);

bool file_is_readable(const struct file *file);
bool file_is_writable(const struct file *file);
bool file_is_nonblocking(const struct file *file);
uint32_t file_poll(struct file *file);

/* Regular files' seek, under file->lock: SEEK_SET, CUR, END by getattr's size; DATA and HOLE as one
 * extent. */
int64_t file_seek_regular(struct file *file, int64_t offset, int whence);
/* Of open directories: their names are read by getdents. */
extern const struct file_ops directory_file_ops;
/* getdents64: fills to (at most size bytes) with struct linux_dirent64. -EINVAL: too small. Takes
 * file->lock. */
int64_t file_getdents(struct file *file, void *to, size_t size);
/* Under the queue's lock, the end of a read or write: it waits in queue, or leaves it with its
 * result. */
int64_t file_wait_or_leave(struct wait_queue *queue, const struct file_wait *wait, int64_t result);
/* The pair of /dev/null: the end of a file, and a place where writes vanish. */
int64_t file_read_nothing(struct file *file, struct uio *uio, uint64_t *position,
                          const struct file_wait *wait);
int64_t file_write_nowhere(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                           const struct file_wait *wait);
/* A generated file's read, under file->lock: copies from content, which was made before. */
int64_t file_read_content(struct file *file, struct uio *uio, uint64_t *position);
