/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that are told instead of kicked, and epoll on top of them: nesting, edges and their order
 * across a save and a load, files and sets that go while others look.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>

#include "core/base/host.h"
#include "tests/unit/fixtures.h"
#include "vfs/epoll.h"
#include "vfs/eventfd.h"

/* --- entries --- */

struct listener {
    struct wait_entry entry; /* first */
    uint32_t told;
    unsigned count;
    bool wakes;
};

static bool listen(struct wait_entry *entry, uint32_t events)
{
    struct listener *listener = (struct listener *)entry;

    listener->told = events;
    listener->count++;
    return listener->wakes;
}

static void join(struct wait_queue *queue, struct listener *listener, bool is_exclusive)
{
    listener->entry.notify = listen;
    listener->entry.is_exclusive = is_exclusive;
    mutex_lock(queue->lock);
    wait_add(queue, &listener->entry, NULL);
    mutex_unlock(queue->lock);
}

static void kick(struct wait_queue *queue, uint32_t events)
{
    mutex_lock(queue->lock);
    wait_kick(queue, events);
    mutex_unlock(queue->lock);
}

static void test_entries_are_told(void **state)
{
    struct listener first = {0}, second = {.wakes = true}, third = {.wakes = true}, last = {0};
    struct wait_queue queue;
    struct mutex lock;

    (void)state;
    mutex_init(&lock, LOCK_PIPE);
    wait_queue_init(&queue, &lock);
    join(&queue, &first, true); /* wakes nobody: the next one is told too */
    join(&queue, &second, true);
    join(&queue, &third, true);
    join(&queue, &last, false);
    kick(&queue, POLLIN);
    assert_int_equal(first.told, POLLIN);
    assert_int_equal(second.count, 1);
    assert_int_equal(third.count, 0);
    assert_int_equal(last.told, POLLIN);
    kick(&queue, 0); /* nothing that a poll tells */
    assert_int_equal(last.count, 1);
    wait_leave(&second.entry);
    mutex_lock(&lock);
    wait_kick_all(&queue);
    mutex_unlock(&lock);
    assert_int_equal(second.count, 1);
    assert_int_equal(third.told, UINT32_MAX);
    wait_queue_fini(&queue);
    assert_int_equal(last.entry.state, WAIT_IDLE);
    mutex_fini(&lock);
}

/* --- sets --- */

static struct file *make_set(void)
{
    struct file *set;

    assert_int_equal(epoll_create_file(&set), 0);
    return set;
}

static struct file *make_event(uint64_t count)
{
    struct file *file;

    assert_int_equal(eventfd_create(count, false, O_NONBLOCK, &file), 0);
    return file;
}

static int add(struct file *set, struct file *file, int fd, uint32_t events)
{
    const struct epoll_event event = {.events = events, .data.u64 = (uint64_t)fd};

    return epoll_add(epoll_of_file(set), file, fd, &event);
}

static void put_value(struct file *file, uint64_t value)
{
    struct uio uio;

    uio_init(&uio, &value, sizeof(value));
    assert_int_equal(file->ops->write(file, &uio, NULL, sizeof(value), NULL), sizeof(value));
}

/* The descriptors that are told, in order, as a text. */
static const char *told(struct file *set)
{
    static char text[64];
    struct epoll *epoll = epoll_of_file(set);
    struct epoll_event events[8];
    uint32_t left = epoll_count_ready(epoll);
    struct uio uio;

    uio_init(&uio, events, sizeof(events));
    int64_t count = epoll_take(epoll, &uio, 8, &left);
    for (int64_t i = 0; i < count; i++)
        text[i] = (char)('0' + events[i].data.u64);
    text[count < 0 ? 0 : count] = '\0';
    return text;
}

static void test_nesting(void **state)
{
    struct file *sets[7];

    (void)state;
    for (int i = 0; i < 7; i++)
        sets[i] = make_set();
    for (int i = 0; i < 4; i++) /* from the outside in: five sets, four steps */
        assert_int_equal(add(sets[i], sets[i + 1], i, EPOLLIN), 0);
    assert_int_equal(add(sets[4], sets[5], 4, EPOLLIN), -ELOOP);
    assert_int_equal(add(sets[5], sets[0], 5, EPOLLIN), -ELOOP);
    assert_int_equal(add(sets[4], sets[0], 4, EPOLLIN), -ELOOP);
    assert_int_equal(add(sets[5], sets[1], 5, EPOLLIN), 0);
    struct file *file = make_event(0);
    assert_int_equal(add(sets[4], file, 9, EPOLLIN), 0);
    assert_int_equal(file_poll(sets[0]), 0);
    put_value(file, 1); /* all the way out */
    assert_int_equal(file_poll(sets[0]), POLLIN | POLLRDNORM);
    assert_string_equal(told(sets[5]), "5");
    object_put(&sets[2]->object);
    assert_int_equal(file_poll(sets[0]), 0);
    sets[2] = make_set();
    for (int i = 0; i < 7; i++)
        object_put(&sets[i]->object);
    object_put(&file->object);
    assert_int_equal(object_live_count(), 0);
}

/* Whoever goes first takes the item along. */
static void test_ends(void **state)
{
    struct file *set = make_set();
    struct file *other = make_set();
    struct file *file = make_event(1);

    (void)state;
    assert_int_equal(add(set, file, 1, EPOLLIN), 0);
    assert_int_equal(add(set, file, 2, EPOLLIN), 0);
    assert_int_equal(add(set, file, 2, EPOLLIN), -EEXIST);
    assert_int_equal(add(other, file, 1, EPOLLIN), 0);
    object_put(&other->object);
    assert_string_equal(told(set), "12");
    object_put(&file->object);
    assert_string_equal(told(set), "");
    assert_int_equal(epoll_count_ready(epoll_of_file(set)), 0);
    object_put(&set->object);
    assert_int_equal(object_live_count(), 0);
}

/* --- saving --- */

/* 1 edge, 2 level, 3 once and told, 4 an edge that has been told: the order in which they came. */
static void build(struct world *world)
{
    const uint32_t events[] = {EPOLLIN | (uint32_t)EPOLLET, EPOLLIN, EPOLLIN | EPOLLONESHOT,
                               EPOLLIN | (uint32_t)EPOLLET};
    struct file *set = world_add(world, make_set());
    struct file *files[4];

    for (int i = 0; i < 4; i++) {
        files[i] = world_add(world, make_event(0));
        assert_int_equal(add(set, files[i], i + 1, events[i]), 0);
    }
    put_value(files[2], 1);
    put_value(files[3], 1);
    assert_string_equal(told(set), "34");
    put_value(files[1], 1);
    put_value(files[0], 1);
}

static void test_edges_survive(void **state)
{
    struct world world;
    struct report report = {0};

    (void)state;
    world_init(&world, WORLD_NOW);
    build(&world);
    struct kernel_image image = world_save(&world, &object_types);
    world_clear(&world);
    assert_int_equal(world_load(&world, &image, &object_types, &report), 0);
    struct file *set = (struct file *)world.roots[0];
    assert_string_equal(told(set), "21");
    assert_string_equal(told(set), "2");         /* the level again, the edge not */
    put_value((struct file *)world.roots[3], 1); /* still disarmed */
    put_value((struct file *)world.roots[4], 1); /* a new edge */
    assert_string_equal(told(set), "24");
    kernel_image_fini(&image);
    world_fini(&world);
}

/* --- many threads --- */

enum { THREADS = 4, TURNS = 2000 };

static struct file *shared_set;
static struct file *shared_file;

/* Files and sets come and go in all orders. */
static void *churn(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    int fd = (int)seed * 10;

    for (unsigned i = 0; i < TURNS; i++) {
        struct file *set = make_set();
        struct file *file = make_event(i % 2);
        (void)add(shared_set, file, fd, EPOLLIN | (i % 3 == 0 ? (uint32_t)EPOLLET : 0));
        (void)add(set, shared_file, 1, EPOLLIN);
        (void)add(set, file, 2, EPOLLIN);
        if (i % 4 == 0)
            (void)add(shared_set, set, fd + 1, EPOLLIN);
        (void)file_poll(shared_set);
        if (i % 5 == 0)
            (void)epoll_remove(epoll_of_file(shared_set), file, fd);
        object_put(i % 2 == 0 ? &set->object : &file->object);
        object_put(i % 2 == 0 ? &file->object : &set->object);
    }
    return NULL;
}

static void *tell(void *argument)
{
    for (unsigned i = 0; i < TURNS * 4; i++) {
        struct epoll_event events[4];
        uint32_t left = epoll_count_ready(epoll_of_file(shared_set));
        struct uio uio;

        uio_init(&uio, events, sizeof(events));
        (void)epoll_take(epoll_of_file(shared_set), &uio, 4, &left);
        put_value(shared_file, 1);
    }
    return argument;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    shared_set = make_set();
    shared_file = make_event(0);
    assert_int_equal(add(shared_set, shared_file, 1, EPOLLIN), 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(
            host_thread_start(&threads[i], i == 0 ? tell : churn, (void *)(i + 1), "test"), 0);
    for (int i = 0; i < THREADS; i++)
        host_thread_join(threads[i]);
    assert_string_equal(told(shared_set), "1"); /* of all that came, this one has stayed */
    object_put(&shared_set->object);
    object_put(&shared_file->object);
    assert_int_equal(object_live_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_told),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_edges_survive),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
