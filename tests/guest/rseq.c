/* SPDX-License-Identifier: Apache-2.0 */
/* Restartable sequences: registration, aborts by signals, and that nobody else is on the CPU.
 * Calls: rseq getcpu */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 5000, CPUS = 4096 };

static volatile int signals;
static long counters[CPUS];

static struct rseq *area(void)
{
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static long rseq(void *at, int size, int flags, unsigned signature)
{
    return syscall(SYS_rseq, at, size, flags, signature);
}

static void registration(void)
{
    struct rseq *own = area();
    CHECK((int)own->cpu_id >= 0 && own->cpu_id == own->cpu_id_start);
    CHECK(own->cpu_id < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    CHECK_ERRNO(rseq(own, 32, 0, RSEQ_SIG), EBUSY);
    CHECK_ERRNO(rseq(own, 32, 0, 5), EPERM);
    CHECK_ERRNO(rseq(own + 1, 32, 0, RSEQ_SIG), EINVAL);
    CHECK_ERRNO(rseq(own, 32, RSEQ_FLAG_UNREGISTER, 5), EPERM);
    CHECK(rseq(own, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0);
    CHECK(own->cpu_id == (unsigned)RSEQ_CPU_ID_UNINITIALIZED && own->cpu_id_start == 0);
    CHECK_ERRNO(rseq(own, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG), EINVAL);
    CHECK_ERRNO(rseq((char *)own + 8, 32, 0, RSEQ_SIG), EINVAL);
    CHECK(rseq(own, 32, 0, RSEQ_SIG) == 0 && (int)own->cpu_id >= 0);
    printf("registration\n");
}

static void handler(int signal)
{
    (void)signal;
    signals++;
}

/* Spins in a sequence until it is aborted; before its end is what signature says. */
#define SPIN(signature)                                                                            \
    __asm__ volatile(".pushsection __rseq_cs, \"aw\"\n\t"                                          \
                     ".balign 32\n"                                                                \
                     "3:\t.long 0, 0\n\t"                                                          \
                     ".quad 1f, 2f - 1f, 4f\n\t"                                                   \
                     ".popsection\n\t"                                                             \
                     "leaq 3b(%%rip), %%rax\n\t"                                                   \
                     "movq %%rax, %0\n"                                                            \
                     "1:\tpause\n\t"                                                               \
                     "jmp 1b\n"                                                                    \
                     "2:\t.long " signature "\n"                                                   \
                     "4:"                                                                          \
                     : "=m"(area()->rseq_cs)                                                       \
                     :                                                                             \
                     : "rax", "cc", "memory")

static void aborts(void)
{
    const struct itimerval often = {{0, 10000}, {0, 10000}}, never = {0};
    int status;
    signal(SIGALRM, handler);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    while (signals == 0)
        SPIN("0x53053053");
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    printf("aborted by a signal\n");
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK((int)area()->cpu_id >= 0);
        setitimer(ITIMER_REAL, &often, NULL);
        SPIN("0x53053054");
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGSEGV);
    printf("a wrong signature\n");
}

/* Adds 1 to the counter of this CPU, without a locked instruction; 0: aborted. */
static int add_one(struct rseq *own)
{
    unsigned cpu = own->cpu_id_start;
    __asm__ goto(".pushsection __rseq_cs, \"aw\"\n\t"
                 ".balign 32\n"
                 "3:\t.long 0, 0\n\t"
                 ".quad 1f, 2f - 1f, 4f\n\t"
                 ".popsection\n\t"
                 "leaq 3b(%%rip), %%rax\n\t"
                 "movq %%rax, 8(%0)\n"
                 "1:\tcmpl %1, 4(%0)\n\t"
                 "jnz 4f\n\t"
                 "movq (%2), %%rax\n\t"
                 "incq %%rax\n\t"
                 "movq %%rax, (%2)\n"
                 "2:\n\t"
                 ".pushsection .text.abort, \"ax\"\n\t"
                 ".long 0x53053053\n"
                 "4:\tjmp %l3\n\t"
                 ".popsection"
                 :
                 : "r"(own), "r"(cpu), "r"(&counters[cpu])
                 : "rax", "cc", "memory"
                 : aborted);
    return 1;
aborted:
    return 0;
}

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS;) {
        if (add_one(area()))
            i++;
        else
            sched_yield();
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    long sum = 0;
    if (__rseq_size == 0)
        SKIP("the C library has not registered");
    registration();
    aborts();
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, count, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < CPUS; i++)
        sum += counters[i];
    CHECK(sum == THREADS * ROUNDS);
    printf("nobody else on the CPU\n");
    return 0;
}
