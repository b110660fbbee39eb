/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include <bsd/sys/queue.h>

#include "core/base/lock.h"
#include "platform/placement.h"
#include "platform/platform_ops.h"
#include "platform/stub/layout.h"

/*
 * Stub processes as the sandbox process sees them: one an address space. Shared by the back ends
 * that run guest code in stubs; how an app thread is entered is theirs.
 */

/* One system call of an mm thread. With a cookie its value is reported, and it is what the child of
 * a clone goes by: the slot of a new stub, the number + 1 of a new app thread. */
struct stub_call {
    uint64_t nr, arguments[6], cookie;
};

struct command_page {
    atomic_uint seq;
    uint32_t count;
    uint32_t unused[14];
    struct stub_call calls[COMMAND_CALLS];
};

struct answer_page {
    atomic_uint seq;
    uint32_t done;
    int32_t value; /* of the call with a cookie, or the errno of the one that failed */
};

/* What an app thread waits for while it has no tracer: 0 is wait. */
struct thread_page {
    atomic_uint go;
    uint32_t unused[15];
};

struct stub_thread {
    unsigned nr;
    pid_t tid;
    bool is_taken; /* by a context */
    LIST_ENTRY(stub_thread) link;
};

struct stub {
    struct aspace aspace;
    struct stub_platform *platform;
    unsigned slot;
    pid_t pid; /* and the tid of the mm thread */
    struct command_page *command;
    struct answer_page *answer;
    struct thread_page *thread_pages;
    atomic_bool is_dead;    /* seen or sent by us; never taken back */
    atomic_uint seat_count; /* contexts that are placed on a CPU */
    struct mutex lock;      /* LOCK_ASPACE; guards what follows and both pages above */
    LIST_HEAD(, stub_thread) threads;
    unsigned thread_count;
};

enum { SLOT_WORDS = SLOT_COUNT / 64 };

struct stub_platform {
    struct platform platform;
    int control, socket;
    char *control_memory;
    struct stub *template;
    struct placement placement;
    /* One bit a slot: in use, and of these, without an owner (slot.c). */
    atomic_ullong slots[SLOT_WORDS], retired[SLOT_WORDS];
    atomic_uint retired_count;
};

static inline struct stub *stub_of(struct aspace *aspace)
{
    return (struct stub *)aspace;
}

static inline struct stub_platform *stub_platform_of(struct platform *platform)
{
    return (struct stub_platform *)platform;
}

/* --- template.c --- */
/* Execs the template and waits for its first answer. */
int stub_platform_create(struct memfile *memfile, struct stub_platform **ret);
/* No stub is left. Accepts NULL. */
void stub_platform_free(struct stub_platform *platform);

/* --- slot.c --- */
/* The lowest free slot; -EAGAIN: there are SLOT_COUNT stubs. */
int slot_take(struct stub_platform *platform, unsigned *ret);
void slot_give(struct stub_platform *platform, unsigned slot);
/* Instead of slot_give: child may have got a process, whose pid nobody knows. */
void slot_retire(struct stub_platform *platform, struct stub *child);
/* Asserts that all were given back. */
void slots_fini(struct stub_platform *platform);
/* Where a slot is in the control file, and here. */
uint64_t slot_offset(unsigned slot);
char *slot_memory(const struct stub_platform *platform, unsigned slot);
/* Kills a stub and returns when it is gone, which is not before tracers have reaped its threads. */
void stub_reap(pid_t pid);

/* --- batch.c --- */
/* Gives the mm thread a command; returns the number that its answer will have. */
unsigned stub_post(struct stub *stub, const struct stub_call *calls, unsigned count);
/* Has the mm thread make count calls (at most COMMAND_CALLS) up to the first that fails. Returns
 * that one's errno, or 0 and in *value what the call with a cookie returned; *done counts. -ESRCH:
 * the stub is dead. The caller holds the lock. */
int stub_run(struct stub *stub, const struct stub_call *calls, unsigned count, unsigned *done,
             int *value);
bool stub_is_dead(struct stub *stub);
/* The caller has seen it die, or is killing it: wakes who waits for an answer. */
void stub_set_dead(struct stub *stub);

/* --- stub.c --- */
/* A stub without a process. */
int stub_alloc(struct stub_platform *platform, struct stub **ret);
int stub_create(struct platform *platform, struct aspace **ret);
int stub_fork(struct aspace *parent, const struct aspace_op *before, size_t count,
              struct aspace **ret);
void stub_free(struct aspace *aspace);
int stub_apply(struct aspace *aspace, const struct aspace_op *ops, size_t count, size_t *done);
int64_t stub_cpu_time(struct aspace *aspace);
void stub_kill(struct aspace *aspace);

/* --- thread.c --- */
/* An app thread that waits for its tracer: a new one, or one that was given back. */
int stub_take_thread(struct stub *stub, struct stub_thread **ret);
void stub_give_thread(struct stub *stub, struct stub_thread *thread);
/* Makes the thread, which is traced by now, leave its wait and stop at a SIGTRAP; and the reverse,
 * while it is stopped. */
void stub_thread_call(struct stub *stub, const struct stub_thread *thread);
void stub_thread_park(struct stub *stub, const struct stub_thread *thread);

/* --- file.c --- */
int stub_add_file(struct platform *platform, int fd, int *ret);
void stub_remove_file(struct platform *platform, int file);
