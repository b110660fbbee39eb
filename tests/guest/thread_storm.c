/* SPDX-License-Identifier: Apache-2.0 */
/* Threads start, end, fork, map memory and are signalled, all at once; nothing is lost.
 * Calls: clone, clone3, fork, tgkill, exit, futex, mmap, munmap */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

enum { WORKERS = 3, SPINNERS = 2, ROUNDS = 4 };

static atomic_int threads_run, handled;
static atomic_bool is_over;
static pthread_t spinners[SPINNERS];
static int pipes[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int children; /* by mutex */

static void on_signal(int signal)
{
    (void)signal;
    atomic_fetch_add(&handled, 1);
}

/* Its registers, also those of floating point, are what they should be all the time. */
static void *spin(void *argument)
{
    uint64_t seed = (uintptr_t)argument, sum = seed;
    double value = 1;

    while (!atomic_load(&is_over)) {
        uint64_t before = sum;
        for (int i = 0; i < 1000; i++) {
            sum = sum * 6364136223846793005u + seed;
            value = value * 1.5 - 0.5;
        }
        CHECK(value == 1);
        for (int i = 0; i < 1000; i++)
            before = before * 6364136223846793005u + seed;
        CHECK(before == sum);
    }
    return NULL;
}

static void *run_briefly(void *argument)
{
    atomic_fetch_add(&threads_run, 1);
    return argument;
}

static void start_and_join(void)
{
    pthread_t thread;
    void *result;

    CHECK(pthread_create(&thread, NULL, run_briefly, &mutex) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == &mutex);
}

static void start_detached(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attributes, run_briefly, NULL) == 0);
}

/* The child has one thread, makes another, and ends with both. */
static void fork_child(int code)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        start_detached();
        _exit(code);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    children++;
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void use_memory(int value)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(page != MAP_FAILED);
    memset(page, value, 8192);
    CHECK(page[0] == value && page[8191] == value && munmap(page, 8192) == 0);
}

static void *work(void *argument)
{
    long nr = (long)argument;
    char byte;

    for (int i = 0; i < ROUNDS; i++) {
        CHECK(pthread_kill(spinners[(nr + i) % SPINNERS], SIGRTMIN) == 0);
        start_and_join();
        fork_child((int)(10 * nr + i));
        use_memory((int)(nr + i));
        start_detached();
        CHECK(write(pipes[1], "x", 1) == 1 && read(pipes[0], &byte, 1) == 1);
        CHECK(pthread_kill(spinners[nr % SPINNERS], SIGRTMIN) == 0);
    }
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t workers[WORKERS];

    CHECK(pipe(pipes) == 0 && sigaction(SIGRTMIN, &action, NULL) == 0);
    for (uintptr_t i = 0; i < SPINNERS; i++)
        CHECK(pthread_create(&spinners[i], NULL, spin, (void *)(2 * i + 1)) == 0);
    for (long i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&workers[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(workers[i], NULL) == 0);
    WAIT_FOR(atomic_load(&handled) == 2 * WORKERS * ROUNDS &&
             atomic_load(&threads_run) == 2 * WORKERS * ROUNDS);
    atomic_store(&is_over, true);
    for (int i = 0; i < SPINNERS; i++)
        CHECK(pthread_join(spinners[i], NULL) == 0);
    CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
    printf("%d threads, %d children, %d signals\n", atomic_load(&threads_run), children,
           atomic_load(&handled));
    return 0;
}
