/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs that die or are meddled with from outside, at any moment: nobody waits for ever, everybody
 * learns of it, and what is left can be freed.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/ptrace/ptrace.h"
#include "tests/unit/guest_world.h"

enum { KILLS = 300, THREADS = 3 };

static struct guest guest;

static int set_up(void **state)
{
    if (world_set_up(state) < 0)
        return -1;
    guest_create(&guest);
    return 0;
}

static int tear_down(void **state)
{
    guest_free(&guest);
    return world_tear_down(state);
}

static pid_t stub_pid(const struct guest *of)
{
    return stub_of(of->aspace)->pid;
}

static void expect_dead(struct guest *one)
{
    struct aspace_op op = op_unmap(GUEST_DATA, 4096);
    struct aspace *child;
    struct context *context;
    size_t done;

    assert_int_equal(guest_enter(one, GUEST_AT(syscall)), TRAP_DEAD);
    assert_int_equal(guest_enter(one, GUEST_AT(syscall)), TRAP_DEAD);
    assert_int_equal(aspace_apply(one->aspace, &op, 1, &done), -ESRCH);
    assert_int_equal(done, 0);
    assert_int_equal(aspace_fork(one->aspace, &op, 1, &child), -ESRCH);
    assert_int_equal(context_create(one->aspace, &context), -ESRCH);
    char image[16384];
    assert_int_equal(context_get_xstate(one->context, image), -ESRCH);
}

/* --- who notices --- */

static void a_killed_stub_is_dead_for_every_call(void **state)
{
    (void)state;
    (void)kill(stub_pid(&guest), SIGKILL);
    expect_dead(&guest);
}

static void aspace_kill_is_a_kill(void **state)
{
    (void)state;
    aspace_kill(guest.aspace);
    aspace_kill(guest.aspace);
    expect_dead(&guest);
}

/* Its app thread is traced by a thread that is not looking: the leader cannot be reaped yet. */
static void apply_notices_while_the_tracer_does_not_look(void **state)
{
    struct aspace_op op = op_unmap(GUEST_DATA, 4096);
    size_t done;

    (void)state;
    (void)kill(stub_pid(&guest), SIGKILL);
    assert_int_equal(aspace_apply(guest.aspace, &op, 1, &done), -ESRCH);
    assert_int_equal(done, 0);
    expect_dead(&guest);
}

static void a_stub_without_contexts_is_noticed(void **state)
{
    struct aspace_op op = op_unmap(GUEST_DATA, 4096);
    struct guest other;
    size_t done;

    (void)state;
    guest_create_empty(&other);
    (void)kill(stub_pid(&other), SIGKILL);
    assert_int_equal(aspace_apply(other.aspace, &op, 1, &done), -ESRCH);
    guest_free(&other);
    guest_create_empty(&other);
    assert_int_equal(context_create(other.aspace, &other.context), 0);
    (void)kill(stub_pid(&other), SIGKILL);
    assert_int_equal(context_attach(other.context), -ESRCH);
    guest_free(&other);
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
}

static void a_dead_template_makes_nothing(void **state)
{
    struct aspace *aspace;
    int file;

    (void)state;
    (void)kill(stub_platform_of(world_platform)->template->pid, SIGKILL);
    assert_int_equal(aspace_create(world_platform, &aspace), -ESRCH);
    assert_int_equal(platform_add_file(world_platform, STDIN_FILENO, &file), -ESRCH);
    platform_remove_file(world_platform, 3);
    /* Others do not need it. */
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_int_equal(aspace_fork(guest.aspace, NULL, 0, &aspace), 0);
    aspace_free(aspace);
}

/* --- at any moment --- */

struct victim {
    struct guest guest; /* aspace shared, context of its own */
    atomic_bool is_dead;
};

static void *run_until_dead(void *argument)
{
    struct victim *victim = argument;

    world_unbind();
    if (context_attach(victim->guest.context) == 0) {
        unsigned turn = 0;
        victim->guest.regs.rdi = GUEST_DATA;
        victim->guest.regs.rsi = GUEST_DATA + 8;
        while (guest_enter(&victim->guest,
                           turn++ % 16 == 15 ? GUEST_AT(spin) : GUEST_AT(syscall)) != TRAP_DEAD)
            continue;
    }
    context_detach(victim->guest.context);
    return NULL;
}

static void *interrupt_all(void *argument)
{
    struct victim *victims = argument;

    world_unbind();
    while (!atomic_load(&victims[0].is_dead)) {
        for (int i = 0; i < THREADS; i++)
            context_interrupt(victims[i].guest.context);
        host_sleep(50000);
    }
    return NULL;
}

/* Changes mappings and forks until that fails. */
static void work_until_dead(struct guest *on, unsigned seed)
{
    struct aspace_op ops[70];
    int err;

    for (int i = 0; i < 70; i++)
        ops[i] = op_map(0x900000 + (uint64_t)i * 8192, 4096, PROT_READ, on->data);
    do {
        struct aspace *child;
        size_t done;
        err = aspace_apply(on->aspace, ops, seed++ % 70 + 1, &done);
        assert_true(err == 0 || (err == -ESRCH && done <= 70));
        if (err == 0 && seed % 4 == 0) {
            err = aspace_fork(on->aspace, ops, 3, &child);
            if (err == 0)
                aspace_free(child);
        }
    } while (err == 0);
    assert_int_equal(err, -ESRCH);
}

struct kill_later {
    struct guest *guest;
    nsec_t delay;
    bool is_ours;
};

static void *kill_later(void *argument)
{
    struct kill_later *later = argument;

    world_unbind();
    host_sleep(later->delay);
    if (later->is_ours)
        aspace_kill(later->guest->aspace);
    else
        (void)kill(stub_pid(later->guest), SIGKILL);
    return NULL;
}

static void kill_one(unsigned round)
{
    struct victim victims[THREADS] = {0};
    pthread_t threads[THREADS], interrupter, killer;
    struct guest one;

    guest_create_empty(&one);
    for (int i = 0; i < THREADS; i++) {
        victims[i].guest = one;
        assert_int_equal(context_create(one.aspace, &victims[i].guest.context), 0);
    }
    struct kill_later later = {&one, (nsec_t)(round * 7919 % 3000) * 1000, round % 2 != 0};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(host_thread_start(&threads[i], run_until_dead, &victims[i], "victim"), 0);
    assert_int_equal(host_thread_start(&interrupter, interrupt_all, victims, "interrupter"), 0);
    assert_int_equal(host_thread_start(&killer, kill_later, &later, "killer"), 0);
    work_until_dead(&one, round);
    atomic_store(&victims[0].is_dead, true);
    host_thread_join(interrupter);
    host_thread_join(killer);
    for (int i = 0; i < THREADS; i++) {
        host_thread_join(threads[i]);
        context_free(victims[i].guest.context);
    }
    guest_free(&one);
}

static void stubs_may_be_killed_at_any_moment(void **state)
{
    (void)state;
    for (unsigned round = 0; round < KILLS; round++)
        kill_one(round);
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
}

/* --- tracers --- */

static void *attach_and_end(void *argument)
{
    struct guest *one = argument;

    assert_int_equal(context_attach(one->context), 0);
    return NULL;
}

static void a_tracer_that_ends_attached_kills_its_stub(void **state)
{
    struct aspace_op op = op_unmap(GUEST_DATA, 4096);
    struct guest other;
    pthread_t thread;
    size_t done;

    (void)state;
    guest_create_empty(&other);
    assert_int_equal(context_create(other.aspace, &other.context), 0);
    assert_int_equal(host_thread_start(&thread, attach_and_end, &other, "tracer"), 0);
    host_thread_join(thread);
    while (aspace_apply(other.aspace, &op, 1, &done) == 0) /* pthread_join may return earlier */
        host_yield();
    guest_free(&other);
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
}

/* --- signals from outside --- */

static void signals_from_outside_do_nothing(void **state)
{
    const int signals[] = {SIGTERM, SIGINT,  SIGHUP,  SIGUSR1, SIGUSR2, SIGSEGV, SIGBUS,
                           SIGFPE,  SIGILL,  SIGTRAP, SIGSYS,  SIGALRM, SIGCHLD, SIGCONT,
                           SIGTSTP, SIGABRT, SIGURG,  SIGPIPE, SIGXCPU, 40};
    struct ptrace_context *context = ptrace_context_of(guest.context);

    (void)state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        (void)kill(stub_pid(&guest), signals[i]);
        (void)syscall(SYS_tgkill, stub_pid(&guest), context->thread->tid, signals[i]);
        guest.regs.rax = i;
        guest.regs.rdi = GUEST_DATA;
        assert_int_equal(guest_enter(&guest, GUEST_AT(store)), TRAP_SYSCALL);
        assert_int_equal(*guest_word(&guest, GUEST_DATA), i);
        context_detach(guest.context);
        (void)syscall(SYS_tgkill, stub_pid(&guest), context->thread->tid, signals[i]);
        host_sleep(NSEC_PER_MSEC); /* it would take the signal now */
        assert_int_equal(context_attach(guest.context), 0);
    }
}

static void a_stopped_stub_is_continued(void **state)
{
    struct aspace_op op = op_unmap(0x900000, 4096);
    struct ptrace_context *context = ptrace_context_of(guest.context);
    uint64_t rip = context->parked.rip;
    size_t done;

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)kill(stub_pid(&guest), SIGSTOP);
        assert_int_equal(aspace_apply(guest.aspace, &op, 1, &done), 0);
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
        (void)syscall(SYS_tgkill, stub_pid(&guest), context->thread->tid, SIGSTOP);
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
        assert_int_equal(aspace_apply(guest.aspace, &op, 1, &done), 0);
        context_detach(guest.context);
        (void)kill(stub_pid(&guest), SIGSTOP);
        host_sleep(NSEC_PER_MSEC);
        assert_int_equal(context_attach(guest.context), 0);
        assert_int_equal(context->parked.rip, rip); /* taken over where it has its filter */
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_killed_stub_is_dead_for_every_call),
        TEST(aspace_kill_is_a_kill),
        TEST(apply_notices_while_the_tracer_does_not_look),
        TEST(a_stub_without_contexts_is_noticed),
        TEST(a_dead_template_makes_nothing),
        TEST(stubs_may_be_killed_at_any_moment),
        TEST(a_tracer_that_ends_attached_kills_its_stub),
        TEST(signals_from_outside_do_nothing),
        TEST(a_stopped_stub_is_continued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
