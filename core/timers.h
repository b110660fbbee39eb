/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/queue.h>

#include "core/base/events.h"
#include "core/base/wait.h"
#include "core/clocks.h"
#include "snapshot/snapshot.h"

struct process;
struct signal_info;
struct task;
struct usage;

/* What a timer is set to: the times of struct itimerspec and its kin. */
struct timer_setting {
    nsec_t span;     /* until it runs out; 0: it stands */
    nsec_t interval; /* from then on; 0: once */
};

/* Longer ones are cut, so that computing with them does not overflow. */
#define TIMER_INTERVAL_MAX (NSEC_NEVER / 4)

/* timer_create(2). Its signal is in a queue at most once: what runs out meanwhile is counted. */
struct posix_timer {
    int id;
    int clock;
    struct cpu_clock cpu; /* if clock is a CPU clock; the ids are never 0 */
    int notify;           /* SIGEV_* */
    int signal;
    int tid; /* SIGEV_THREAD_ID */
    uint64_t value;
    bool is_realtime; /* the deadline is a point of CLOCK_REALTIME; else of the sandbox or CPU clock
                       */
    nsec_t deadline;  /* the first one that was not told of; NSEC_NEVER: it stands */
    nsec_t interval;
    int missed;      /* CPU clocks: run out since the signal was queued */
    int overrun;     /* what the last signal said */
    bool is_pending; /* its signal is in a queue */
    /* not saved */
    bool is_named_by_id; /* posix_timer_create: the value is to be its id */
    struct process *process;
    struct timer timer;
    TAILQ_ENTRY(posix_timer) link;
};

/* An interval timer in CPU time, which the deadline is a point of. */
struct cpu_timer {
    nsec_t deadline; /* NSEC_NEVER: it stands */
    nsec_t interval;
};

/* Part of struct process. The tasks lock and the sighand's guard it: both to change, one to read.
 */
struct process_timers {
    TAILQ_HEAD(, posix_timer) list; /* by id */
    int next_id;
    struct cpu_timer virtual, prof; /* ITIMER_VIRTUAL, ITIMER_PROF */
    /* not saved */
    struct wait_queue sleepers; /* until a point in CPU time; of the tasks lock */
    struct timer look;          /* at the CPU time of the process */
    nsec_t look_span;           /* until it is looked at again */
    nsec_t look_usage;          /* as last seen */
};

void timers_init(struct process *process);
/* The process has ended: all stop. No lock is held. */
void timers_end(struct process *process);
/* Of a process that nobody sees. Legal twice. */
void timers_fini(struct process *process);
int timers_save(const struct process *process, struct saver *saver, ProcessTimers **ret);
int timers_load(struct process *process, struct loader *loader, const ProcessTimers *m);
/* Starts what runs: once loaded; frozen. */
void timers_relink(struct process *process);

/* --- posix_timer.c, for timers_save.c --- */
enum { POSIX_TIMERS_MAX = 4096 };
void posix_timer_init(struct posix_timer *timer, struct process *process);
/* Stops it, too: it is in no list, and no lock is held. */
void posix_timer_free(struct posix_timer *timer);
/* The host's timer runs until the deadline, if that is for the host. */
void posix_timer_start(struct posix_timer *timer);
struct posix_timer *posix_timer_find(struct process *process, int id);
unsigned posix_timer_count(const struct process *process);
static inline bool posix_timer_is_cpu(const struct posix_timer *timer)
{
    return clock_is_cpu(timer->clock);
}

/* --- posix_timer.c: no lock is held, but where it says so --- */
/* Takes what is in like (clock, notification); its id, or -EAGAIN, -ENOMEM. */
int posix_timer_create(struct task *task, const struct posix_timer *like);
/* -EINVAL: there is no such timer. *old is what was left. */
int posix_timer_set(struct task *task, int id, bool is_absolute,
                    const struct timer_setting *setting, struct timer_setting *old);
int posix_timer_get(struct task *task, int id, struct timer_setting *ret);
int posix_timer_overrun(struct task *task, int id);
int posix_timer_delete(struct task *task, int id);
/* exec: all go. */
void posix_timer_delete_all(struct process *process);
/* Its signal was taken: info says how often it ran out besides, and it goes on. Under the sighand's
 * lock. */
void posix_timer_taken(struct process *process, struct signal_info *info);
/* Signals were dropped that nobody will take: their timers go on. Under both locks. */
void posix_timer_dropped(struct process *process);

/* --- cpu_timer.c: under the tasks lock --- */
/* Looks at the CPU time soon: something waits for it. */
void cpu_timer_look(struct process *process);
/* Only if something waits for it: a limit, a timer. Also frozen, without the lock. */
void cpu_timer_start(struct process *process);
/* Those of the process' timers on CPU clocks that have run out; *next becomes the time on its clock
 * until the next one does, if it is less. */
void posix_timer_look(struct process *process, nsec_t *next);
/* ITIMER_VIRTUAL, ITIMER_PROF. */
void cpu_timer_set(struct process *process, int which, const struct timer_setting *setting,
                   struct timer_setting *old);
void cpu_timer_get(struct process *process, int which, struct timer_setting *ret);
