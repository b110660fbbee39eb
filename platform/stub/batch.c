/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to an mm thread. A command is written to a page that its stub can only read; the answer
 * comes by pwrite from the mm thread's constants to another such page, so guest code can forge
 * neither. What would be reported of a batch that goes well is written beforehand by us: the mm
 * thread writes a count and a value only where they differ.
 *
 * 1. No wait is unbounded: whoever waits looks every PATIENCE whether the stub lives.
 * 2. The leader of a stub (its mm thread) is not seen to be dead while a dead traced thread of it
 *    has not been reaped by its tracer, so all threads are asked. Asking leaves them unreaped.
 * 3. A stub that was stopped from outside is continued: SIGSTOP reaches the mm thread, too. Whether
 *    it is stopped or only slow cannot be told, and SIGCONT makes traced threads stop for nothing,
 *    so it is sent late.
 */
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "platform/stub/stub.h"

static const struct timespec PATIENCE = {.tv_nsec = 20 * NSEC_PER_MSEC};
enum { PATIENCES_TO_CONTINUE = 5 };

_Static_assert(sizeof(struct command_page) == 4096, "the COMMAND page");
_Static_assert(sizeof(struct thread_page) == STUB_THREAD_SIZE, "the THREADS pages");

/* The words are shared with another process: no FUTEX_PRIVATE_FLAG. */
static void futex_wake(atomic_uint *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool futex_wait_timed_out(atomic_uint *word, unsigned value)
{
    return syscall(SYS_futex, word, FUTEX_WAIT, value, &PATIENCE, NULL, 0) < 0 &&
           errno == ETIMEDOUT;
}

/* 1 if the process or thread is dead, 0 if not; -errno: it is not ours to ask about. A traced
 * thread that is stopped is reported, too, though nobody asked for stops. */
static int is_dead(pid_t pid)
{
    siginfo_t info = {0};

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
        return -errno;
    return info.si_pid != 0 &&
           (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
}

bool stub_is_dead(struct stub *stub)
{
    struct stub_thread *thread;

    mutex_assert_held(&stub->lock);
    if (atomic_load(&stub->is_dead))
        return true;
    int dead = is_dead(stub->pid) != 0; /* or reaped by somebody */
    LIST_FOREACH(thread, &stub->threads, link) {
        dead = dead || is_dead(thread->tid) > 0; /* -ECHILD: it has no tracer */
    }
    if (dead)
        atomic_store(&stub->is_dead, true);
    return dead;
}

void stub_set_dead(struct stub *stub)
{
    atomic_store(&stub->is_dead, true);
    futex_wake(&stub->answer->seq);
}

static int wait_answer(struct stub *stub, unsigned seq)
{
    unsigned patiences = 0;

    for (;;) {
        unsigned now = atomic_load_explicit(&stub->answer->seq, memory_order_acquire);
        if (now == seq)
            return 0;
        if (atomic_load(&stub->is_dead))
            return -ESRCH;
        if (!futex_wait_timed_out(&stub->answer->seq, now))
            continue;
        if (stub_is_dead(stub))
            return -ESRCH;
        if (++patiences % PATIENCES_TO_CONTINUE == 0)
            (void)kill(stub->pid, SIGCONT);
    }
}

unsigned stub_post(struct stub *stub, const struct stub_call *calls, unsigned count)
{
    struct command_page *command = stub->command;
    unsigned seq = atomic_load_explicit(&command->seq, memory_order_relaxed) + 1;

    assert(count <= COMMAND_CALLS);
    for (unsigned i = 0; i < count; i++)
        command->calls[i] = calls[i];
    command->count = count;
    stub->answer->done = count;
    stub->answer->value = 0;
    atomic_store_explicit(&command->seq, seq, memory_order_release);
    futex_wake(&command->seq);
    return seq;
}

int stub_run(struct stub *stub, const struct stub_call *calls, unsigned count, unsigned *done,
             int *value)
{
    mutex_assert_held(&stub->lock);
    *done = 0;
    *value = 0;
    if (atomic_load(&stub->is_dead))
        return -ESRCH;
    int err = wait_answer(stub, stub_post(stub, calls, count));
    if (err < 0)
        return err;
    *done = stub->answer->done;
    *value = stub->answer->value;
    return *value < 0 ? *value : 0;
}
