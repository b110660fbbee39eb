/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>

#include <bsd/sys/queue.h>

#include "core/base/uio.h"
#include "snapshot/snapshot.h"

struct task;
struct process;

enum { SIGNAL_COUNT = 64 };
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
};

struct signal_entry {
    struct signal_info info;
    STAILQ_ENTRY(signal_entry) link;
};

/* Pending signals of a task or a process: one of each standard one, a queue of the real-time ones. */
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
    struct mutex lock; /* LOCK_SIGHAND; also guards pending and masks of the processes that use it */
    struct signal_action actions[SIGNAL_COUNT];
    /* not saved, derived */
    unsigned task_count;
};

extern const struct snapshot_type sighand_type;
int sighand_create(struct sighand **ret);
int sighand_fork(struct sighand *from, struct sighand **ret);
/* exec: handlers become SIG_DFL. */
void sighand_reset(struct sighand *sighand);

/* Sends; info->signal 1..64. Any thread inside the gate. The locks TASKS may be held, SIGHAND not. */
int signal_send_task(struct task *task, const struct signal_info *info);
int signal_send_process(struct process *process, const struct signal_info *info);
/* A synchronous one: cannot be ignored or blocked (then it kills). */
void signal_force(struct task *task, const struct signal_info *info);
/* Recomputes waiter.has_signal; under the sighand's lock. */
void signal_recompute(struct task *task);
/* Sets the mask (never KILL, STOP), recomputes. Returns the old one. */
uint64_t signal_set_mask(struct task *task, uint64_t mask);
/* Is there a signal to take (pending and not blocked)? */
bool signal_is_pending(struct task *task);

/* The end of a call (result) or of a trap without one (is_call false): takes signals, builds frames,
 * applies restart codes to regs. False: the record is to be resumed (restart_block). */
bool signal_deliver(struct task *task, bool is_call, int64_t result);
