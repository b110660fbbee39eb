/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

/* Outermost first: a thread takes locks of rising rank only. docs/locking.md says what each guards.
 */
enum lock_rank {
    LOCK_CONTROL, /* core/control: one request at a time */
    LOCK_RENAME,  /* vfs: moves in the tree */
    LOCK_FILE,    /* vfs: position and content of an open file; short waits may happen below it */
    LOCK_DIR,     /* vfs: a file system's directories */
    LOCK_COPY_UP, /* vfs: an overlay file whose content is copied up */
    LOCK_NAMES,   /* vfs: the trees of dentries and mounts */
    LOCK_EPOLL,   /* vfs: who an epoll watches; an outer one before an inner one */
    LOCK_WATCHES, /* vfs: which epolls watch a file, for all files */
    LOCK_TASKS,   /* core: task table, groups, exit states */
    LOCK_SIGHAND, /* core: pending signals, masks, actions of one process */
    LOCK_FILES,   /* core: a descriptor table */
    LOCK_FS,      /* core: root, cwd, umask */
    LOCK_FUTEX,   /* core: futex hash */
    LOCK_PIPE,    /* vfs: one pipe */
    LOCK_FLOCKS,  /* vfs: locks of files, and who waits for them */
    LOCK_SOCKET,  /* netstack: one socket; both ends of a pair together */
    LOCK_EVENTS,  /* vfs: one host-event or timer source */
    LOCK_READY,   /* vfs: what an epoll has to tell; an inner one before an outer one */
    LOCK_MMS,     /* core: the list of address spaces */
    LOCK_MM,      /* core: one address space: vmas, pmas, the stub's maps */
    LOCK_INODE,   /* vfs: attributes of one inode */
    LOCK_MAPPING, /* vfs: pages of one inode */
    LOCK_HOSTFS,  /* vfs: the table of host inodes, their paths */
    LOCK_PROC,    /* vfs: the list of inodes of generated files */
    LOCK_FIFOS,   /* vfs: the list of pipes of FIFOs; a leaf */
    LOCK_ASPACE,  /* platform: one stub's batch */
    LOCK_MEMFILE, /* platform: runs and counts */
    LOCK_SLOTS,   /* platform: the copy-aside buffer */
    LOCK_PAGES,   /* snapshot: the queue of those who write or read pages */
    LOCK_EVENT_TABLE, /* base: sources and timers of the event thread; a leaf */
    LOCK_GATE,        /* core/base: who is inside */
    LOCK_RSEQ,        /* core: CPU numbers of one address space; a leaf */
    LOCK_USAGE,       /* core: what one task has used; a leaf */
    LOCK_CONTEXT,     /* core: whether a task has a context to interrupt; a leaf */
};

struct mutex {
    pthread_mutex_t host;
    enum lock_rank rank;
};

/* Of a lock that lives as long as the process. */
#define MUTEX_INITIALIZER(its_rank)                                                                \
    {                                                                                              \
        .host = PTHREAD_MUTEX_INITIALIZER, .rank = (its_rank)                                      \
    }

void mutex_init(struct mutex *mutex, enum lock_rank rank);
void mutex_fini(struct mutex *mutex);
/* Asserts that the rank rises (in all builds but release). Two locks of one rank are never held
 * together, except by mutex_lock_nested. */
void mutex_lock(struct mutex *mutex);
/* The second lock of a rank: the caller orders the two by address. */
void mutex_lock_nested(struct mutex *mutex);
/* As mutex_lock, but a lock of the same rank may be held: one further along a chain whose order the
 * caller sees to. */
void mutex_lock_chain(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void mutex_assert_held(const struct mutex *mutex);

/* True when the calling thread holds no lock at all. */
bool locks_are_free(void);
