/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of one address space: they map, protect, fork, copy and fault at once, while a file that
 * is mapped changes its size. Each owns a part of the addresses, whose content it knows; what all
 * share is only to survive. For the thread sanitizer as much as for the assertions.
 */
#include "tests/unit/mm_world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/host.h"

#define AT UINT64_C(0x10000000)
#define PAGES(n) ((n)*MEM_PAGE)
#define SHARED_AT UINT64_C(0x30000000)

enum { THREADS = 4, ROUNDS = 1500, OWN_PAGES = 40, FILE_PAGES = 50 };

struct worker {
    pthread_t thread;
    unsigned nr;
    uint64_t seed;
    uint64_t words[OWN_PAGES]; /* 0: not mapped, or zero */
};

static struct mm *mm;
static struct file *file;

static unsigned pick(struct worker *worker, unsigned count)
{
    worker->seed = worker->seed * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(worker->seed >> 33) % count;
}

static guest_addr_t own_address(const struct worker *worker, unsigned page)
{
    return AT + PAGES(worker->nr * OWN_PAGES * 2 + page);
}

static void map_own(struct worker *worker, unsigned first, unsigned count)
{
    guest_addr_t at = own_address(worker, first);

    assert(mm_mmap(mm, at, PAGES(count), RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) ==
           (int64_t)at);
    memset(&worker->words[first], 0, count * sizeof worker->words[0]);
}

static void check_word(struct worker *worker, struct mm *of, unsigned page)
{
    uint64_t word = 0;
    int err = user_copy_in(of, &word, own_address(worker, page), sizeof word);

    assert(err == 0 && word == worker->words[page]);
    (void)err;
}

static void store_own(struct worker *worker, unsigned page)
{
    uint64_t word = worker->seed | 1;
    int err = user_copy_out(mm, own_address(worker, page), &word, sizeof word);

    assert(err == 0);
    (void)err;
    worker->words[page] = word;
}

/* Others write while the child is made: of one's own part it has what was there. */
static void fork_and_check(struct worker *worker)
{
    struct mm *child;
    int err = mm_fork(mm, &child);

    assert(err == 0);
    (void)err;
    for (unsigned i = 0; i < OWN_PAGES; i++)
        check_word(worker, child, i);
    object_put(&child->object);
}

static void touch_shared(struct worker *worker)
{
    guest_addr_t at = SHARED_AT + PAGES(pick(worker, FILE_PAGES + 10));
    struct trap trap = {.kind = TRAP_FAULT, .access = FAULT_WRITE, .address = at};
    struct mm_last_fault last = {0};
    uint64_t word = 5;
    int code;

    (void)user_copy_out(mm, at, &word, sizeof word);
    (void)mm_fault(mm, &trap, &last, &code);
    if (pick(worker, 10) == 0)
        (void)mm_mmap(mm, SHARED_AT, PAGES(FILE_PAGES + 10), RW, MAP_SHARED | MAP_FIXED, file, 0);
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    map_own(worker, 0, OWN_PAGES);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned page = pick(worker, OWN_PAGES);

        switch (pick(worker, 8)) {
        case 0:
            map_own(worker, page, pick(worker, OWN_PAGES - page) + 1);
            break;
        case 1:
            (void)mm_mprotect(mm, own_address(worker, page), MEM_PAGE, PROT_READ);
            check_word(worker, mm, page);
            (void)mm_mprotect(mm, own_address(worker, page), MEM_PAGE, RW);
            break;
        case 2:
            if (pick(worker, 4) == 0)
                fork_and_check(worker);
            break;
        case 3:
            touch_shared(worker);
            break;
        default:
            store_own(worker, page);
            check_word(worker, mm, page);
        }
    }
    return NULL;
}

static atomic_bool is_over;

static void *resize(void *argument)
{
    struct mapping *mapping = file_mapping(file);

    (void)argument;
    for (unsigned i = 0; !atomic_load(&is_over); i++) {
        (void)mapping_truncate(mapping, i % 2 ? PAGES(3) : PAGES(FILE_PAGES));
        host_sleep(NSEC_PER_MSEC);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct worker workers[THREADS] = {0};
    char content[64] = "content";
    pthread_t resizer;

    (void)state;
    mm = mm_new();
    file = mm_file(content, sizeof content, O_RDWR);
    atomic_store(&is_over, false);
    assert_int_equal(host_thread_start(&resizer, resize, NULL, "resize"), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].nr = i;
        workers[i].seed = i + 1;
        assert_int_equal(host_thread_start(&workers[i].thread, work, &workers[i], "worker"), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        host_thread_join(workers[i].thread);
    atomic_store(&is_over, true);
    host_thread_join(resizer);
    for (unsigned i = 0; i < THREADS; i++)
        for (unsigned page = 0; page < OWN_PAGES; page++)
            check_word(&workers[i], mm, page);
    mm_check(mm);
    object_put(&mm->object);
    object_put(&file->object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads, mm_world_set_up_platform, mm_world_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
