/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>

#include "core/rw.h"
#include "vfs/vfs_context.h"

/*
 * Tasks without guests, for tests of calls that block: their memory is this process's, addresses
 * are pointers. An actor makes one call in a thread of its own.
 */
struct stage {
    struct vfs_context vfs; /* first: what saver_context gives */
    struct gate gate;
    struct clock clock;
};

enum { STAGE_ROOTS = 8 };

/* An open gate with the event thread; or frozen and without, for a load. */
void stage_init(struct stage *stage, bool is_frozen);
void stage_fini(struct stage *stage);
/* Closes the gate and stops the clock; opens it. */
void stage_freeze(struct stage *stage);
void stage_thaw(struct stage *stage);
/* Freezes, saves the objects, ends the gate: every actor of the stage returns WAIT_SHUTDOWN. */
void stage_save(struct stage *stage, struct object *const roots[], size_t count,
                struct kernel_image *image);
/* Loads into a new, frozen stage and starts its event thread. */
void stage_load(struct stage *stage, const struct kernel_image *image, struct object *roots[]);

struct actor {
    struct task *task; /* a reference */
    const struct rw_mode *mode;
    int fd;
    void *data;
    size_t size;
    pthread_t thread;
    atomic_bool is_done;
    int64_t result;
};

/* A task with a descriptor table (borrowed). Returns a reference. */
struct task *actor_task(struct stage *stage, struct files *files);
/* Calls at once, in the calling thread, which is inside for that time. */
int64_t actor_read(struct task *task, int fd, void *to, size_t size);
int64_t actor_write(struct task *task, int fd, const void *from, size_t size);
int64_t actor_call(struct task *task, int fd, void *data, size_t size, const struct rw_mode *mode);

/* Makes the call in a new thread; the mode is borrowed until the end. data NULL: goes on with the
 * record that the task has. */
void actor_start(struct actor *actor, struct task *task, int fd, void *data, size_t size,
                 const struct rw_mode *mode);
/* Waits until it sleeps. */
void actor_wait_asleep(struct actor *actor);
/* Joins, puts the task; the result of the call. */
int64_t actor_join(struct actor *actor);
/* A signal comes, that the call has to meet. */
void actor_signal(struct actor *actor);

/* Times that SIGPIPE and SIGXFSZ were sent. */
extern atomic_int actor_sigpipe_count, actor_sigxfsz_count;
/* RLIMIT_FSIZE. */
extern uint64_t actor_file_limit;
/* Most bytes that one pin gives; 0: as many as may be. Addresses below 4096 are EFAULT. */
extern size_t actor_pin_limit;
/* Pins that are not undone. */
extern atomic_int actor_pin_count;

extern const struct snapshot_types actor_types;
