/* SPDX-License-Identifier: Apache-2.0 */
/* Stop and continue signals work on all threads of a process. Calls: kill, wait4 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { SPINNERS = 2 };

/* Memory that parent and child share. */
static struct shared {
    atomic_long counts[SPINNERS];
    atomic_int interrupted;
} * shared;

static int go[2], back[2]; /* pipes */

static void *spin(void *count)
{
    for (;;)
        atomic_fetch_add((atomic_long *)count, 1);
    return NULL;
}

/* A stop is no signal for those that sleep. */
static void *echo(void *unused)
{
    char byte;
    while (read(go[0], &byte, 1) == 1)
        CHECK(write(back[1], &byte, 1) == 1);
    atomic_store(&shared->interrupted, 1);
    return unused;
}

static void run_child(void)
{
    pthread_t thread;

    CHECK(setpgid(0, 0) == 0); /* an orphaned group would not stop for SIGTTIN */
    for (int i = 0; i < SPINNERS; i++)
        CHECK(pthread_create(&thread, NULL, spin, &shared->counts[i]) == 0);
    CHECK(pthread_create(&thread, NULL, echo, NULL) == 0);
    pthread_exit(NULL); /* what is left has no first thread */
}

static void ask(void)
{
    char byte;
    CHECK(write(go[1], "x", 1) == 1 && read(back[0], &byte, 1) == 1);
}

static void wait_for_progress(void)
{
    for (int i = 0; i < SPINNERS; i++) {
        long before = atomic_load(&shared->counts[i]);
        while (atomic_load(&shared->counts[i]) == before)
            usleep(1000);
    }
}

static void stop(pid_t pid, int signal)
{
    long counts[SPINNERS];
    int status;

    CHECK(kill(pid, signal) == 0);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == signal);
    for (int i = 0; i < SPINNERS; i++)
        counts[i] = atomic_load(&shared->counts[i]);
    CHECK(write(go[1], "x", 1) == 1);
    usleep(20000);
    for (int i = 0; i < SPINNERS; i++)
        CHECK(counts[i] == atomic_load(&shared->counts[i]));
}

static void carry_on(pid_t pid)
{
    char byte;
    int status;

    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    wait_for_progress();
    CHECK(read(back[0], &byte, 1) == 1); /* what it was asked for while it stood */
    ask();
}

int main(void)
{
    int status;
    pid_t pid;

    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED && pipe(go) == 0 && pipe(back) == 0);
    pid = fork();
    if (pid == 0)
        run_child();
    ask();
    wait_for_progress();
    stop(pid, SIGSTOP);
    carry_on(pid);
    printf("SIGSTOP\n");
    stop(pid, SIGTTIN);
    carry_on(pid);
    printf("SIGTTIN\n");
    stop(pid, SIGSTOP);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(atomic_load(&shared->interrupted) == 0);
    printf("killed while stopped\n");
    return 0;
}
