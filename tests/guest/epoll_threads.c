/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that share one set: every event is somebody's, and nobody sleeps over one. A descriptor
 * comes and goes meanwhile. Calls: epoll_wait epoll_ctl */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "check.h"

enum { WORKERS = 4, ROUNDS = 16 };

static int set, work, done, stop;
static atomic_int taken;

static void add(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void *serve(void *argument)
{
    struct epoll_event events[2];
    eventfd_t value;
    for (;;) {
        int count = epoll_wait(set, events, 2, -1);
        CHECK(count > 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == stop)
                return argument;
            if (events[i].data.fd == work && eventfd_read(work, &value) == 0) {
                atomic_fetch_add(&taken, 1);
                CHECK(eventfd_write(done, 1) == 0);
            }
        }
    }
}

/* Told once: who is told arms it again. */
static void *serve_once(void *argument)
{
    struct epoll_event event;
    eventfd_t value;
    for (;;) {
        CHECK(epoll_wait(set, &event, 1, -1) == 1);
        if (event.data.fd == stop)
            return argument;
        CHECK(eventfd_read(work, &value) == 0); /* no other thread has been told */
        atomic_fetch_add(&taken, 1);
        event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.fd = work};
        CHECK(epoll_ctl(set, EPOLL_CTL_MOD, work, &event) == 0);
        CHECK(eventfd_write(done, 1) == 0);
    }
}

/* Another file enters and leaves the set, in both ways. */
static void come_and_go(int round)
{
    int fd = eventfd(0, 0);
    add(fd, EPOLLIN | (round % 2 == 0 ? (uint32_t)EPOLLET : 0u));
    if (round % 4 < 2)
        CHECK(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0);
    close(fd);
}

static void run(const char *name, void *(*thread)(void *), uint32_t events)
{
    pthread_t threads[WORKERS];
    eventfd_t value;
    set = epoll_create1(0);
    work = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    done = eventfd(0, EFD_SEMAPHORE);
    stop = eventfd(0, 0);
    atomic_store(&taken, 0);
    add(work, events);
    add(stop, EPOLLIN);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&threads[i], NULL, thread, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(eventfd_write(work, 1) == 0);
        if (i % 4 == 0)
            come_and_go(i / 4);
        CHECK(eventfd_read(done, &value) == 0);
    }
    CHECK(eventfd_write(stop, 1) == 0); /* level-triggered: all see it */
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    printf("%s: %d\n", name, atomic_load(&taken));
    close(set);
    close(work);
    close(done);
    close(stop);
}

int main(void)
{
    run("level", serve, EPOLLIN);
    run("edge", serve, EPOLLIN | (uint32_t)EPOLLET);
    run("once", serve_once, EPOLLIN | EPOLLONESHOT);
    return 0;
}
