/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>

#include <bsd/sys/queue.h>

#include "core/base/uio.h"
#include "snapshot/snapshot.h"

struct task;
struct process;

enum { SIGNAL_COUNT = 64, SIGNAL_REALTIME = 32 /* and above: each one is kept */ };
#define SIGNAL_BIT(sig) (UINT64_C(1) << ((sig)-1))
#define SIGNAL_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* struct kernel_sigaction of the x86-64 ABI. */
struct signal_action {
    guest_addr_t handler;
    uint64_t flags;
    guest_addr_t restorer;
    uint64_t mask;
};

/* What siginfo says, without padding; one of the forms of sigaction(2). */
struct signal_info {
    int signal, code, error;
    int32_t pid;
    uint32_t uid;
    int32_t status;
    uint64_t value;   /* sigqueue, timers */
    uint64_t address; /* faults */
    int64_t utime, stime;
    int timer; /* that sent it: its id + 1; 0: none */
};

struct signal_entry {
    struct signal_info info;
    STAILQ_ENTRY(signal_entry) link;
};

/* Pending signals of a task or a process: one of each standard one, and one of each timer; a queue
 * of the real-time ones. */
struct signal_queue {
    STAILQ_HEAD(, signal_entry) entries; /* in order of arrival */
    uint64_t set;                        /* derived: the signals in it */
    unsigned count;
};

void signal_queue_init(struct signal_queue *queue);
void signal_queue_fini(struct signal_queue *queue);

/* Actions (Linux: sighand_struct), shared by CLONE_SIGHAND. */
struct sighand {
    struct object object;
    struct mutex
        lock; /* LOCK_SIGHAND; also guards pending and masks of the processes that use it */
    struct signal_action actions[SIGNAL_COUNT];
    /* not saved, derived */
    unsigned process_count; /* counted by the processes; tasks lock */
};

extern const struct snapshot_type sighand_type;
int sighand_create(struct sighand **ret);
int sighand_fork(struct sighand *from, struct sighand **ret);
/* exec: handlers become SIG_DFL. */
void sighand_reset(struct sighand *sighand);
/* A copy; the lock is taken. */
struct signal_action sighand_action(struct sighand *sighand, int signal);

/* --- signal_send.c: under the kernel's tasks lock; the sighand's is taken --- */
/* Sends; info->signal is 1..64. -EAGAIN: a real-time signal's queue is full. */
int signal_send_task(struct task *task, const struct signal_info *info);
int signal_send_process(struct process *process, const struct signal_info *info);
/* The same without a lock held, to the calling task itself. */
void signal_send_self(struct task *task, int signal, int code);
/* A synchronous one, to the calling task, no lock held: where it is blocked or ignored it kills. */
void signal_force(struct task *task, const struct signal_info *info);
/* Those of set that are pending for the whole process get a new taker, since the old one blocks
 * them or has gone. Under the sighand's lock. */
void signal_retarget(struct process *process, uint64_t set);
/* May a signal go from task to target (kill(2))? Under the tasks lock. */
bool signal_is_permitted(const struct task *task, const struct task *target, int signal);

/* --- signal_mask.c --- */
/* Recomputes waiter.has_signal; under the sighand's lock. */
void signal_recompute(struct task *task);
/* The same for all of a process that have been told of one: signals have gone. */
void signal_recompute_told(struct process *process);
/* Is there something to take for this very task: a signal of its own, a stop? */
bool signal_has_own(const struct task *task);
/* Sets the mask (never KILL, STOP), recomputes. Returns the old one. No lock held. */
uint64_t signal_set_mask(struct task *task, uint64_t mask);
/* For the time of a call: sets the mask at from, of size bytes, noting the old one in its record.
 * from 0: does nothing. -EINVAL, -EFAULT. */
int signal_mask_begin(struct task *task, struct wait_record *record, guest_addr_t from,
                      uint64_t size);
/* Puts back what the call in progress has set, if it has. */
void signal_mask_end(struct task *task);
uint64_t signal_pending_set(struct task *task);
/* Takes a pending signal of set, or none: then those of set are awaited until signal_await_end. */
bool signal_await(struct task *task, uint64_t set, struct signal_info *ret);
void signal_await_end(struct task *task);
/* Takes the next pending signal outside mask, of the task or its process, under the sighand's lock.
 * False: none. */
bool signal_take(struct task *task, uint64_t mask, struct signal_info *ret);
/* Adds to the queue; -EAGAIN, -ENOMEM; a standard signal that is there already is dropped. */
int signal_queue_add(struct signal_queue *queue, const struct signal_info *info);
/* Takes the first one outside mask: synchronous ones first, then by number. False: none. */
bool signal_queue_take(struct signal_queue *queue, uint64_t mask, struct signal_info *ret);
void signal_queue_remove(struct signal_queue *queue, uint64_t set);
/* Of the timer with that id. */
bool signal_queue_has_timer(const struct signal_queue *queue, int id);
void signal_queue_remove_timer(struct signal_queue *queue, int id);
/* What SIG_DFL means. */
enum signal_default { SIGNAL_TERMINATES, SIGNAL_IGNORES, SIGNAL_STOPS, SIGNAL_CONTINUES };
enum signal_default signal_default_of(int signal);
bool signal_is_ignored(const struct sighand *sighand, int signal);

/* --- signal_deliver.c --- */
/* A call has its result, task->call_result. One that no signal has ended puts its mask back
 * before any signal is taken. */
void signal_call_done(struct task *task);
/* Takes pending signals before guest code goes on: builds frames, ends, stops. Applies the result
 * of a call that is CALL_DONE and its restart codes to the registers: the call is then CALL_NONE,
 * or CALL_WAITING when its record is to be resumed, or still CALL_DONE when the process was
 * stopped. */
void signal_deliver(struct task *task);

/* --- signal_frame.c --- */
/* Puts a frame on the guest's stack; regs then start the handler. -EFAULT. */
int signal_frame_push(struct task *task, const struct signal_action *action,
                      const struct signal_info *info, uint64_t mask);
/* rt_sigreturn: -EFAULT when the frame cannot be read or is not legal. */
int signal_frame_pop(struct task *task);
/* Does it tell an address? */
bool signal_info_is_fault(const struct signal_info *info);
/* struct siginfo of the ABI (128 bytes). */
void signal_info_encode(const struct signal_info *info, uint8_t to[128]);
void signal_info_decode(const uint8_t from[128], struct signal_info *info);

/* --- saving (signal_queue.c) --- */
int signal_queue_save(const struct signal_queue *queue, struct saver *saver, SignalInfo ***infos,
                      size_t *count);
int signal_queue_load(struct signal_queue *queue, struct loader *loader, const char *field,
                      SignalInfo *const *infos, size_t count);
