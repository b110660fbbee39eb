/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: many in one address space, given back and taken again, interrupted at any moment, with
 * mappings that change under them, and their vector state.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/ptrace/ptrace.h"
#include "platform/xstate.h"
#include "tests/unit/guest_world.h"

enum { WATCHERS = 3, CHANGES = 3000, INTERRUPTS = 2000 };
#define WATCHED UINT64_C(0x800000)

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

static volatile uint64_t *watched_word(uint64_t address)
{
    return guest_word(&guest, address);
}

static void wait_past(uint64_t address, uint64_t value)
{
    while (*watched_word(address) <= value)
        (void)sched_yield();
}

/* --- number and reuse --- */

static void contexts_are_made_up_to_a_limit_and_reused(void **state)
{
    static struct context *contexts[STUB_THREAD_COUNT];
    struct context *more;

    (void)state;
    for (int i = 1; i < STUB_THREAD_COUNT; i++)
        assert_int_equal(context_create(guest.aspace, &contexts[i]), 0);
    assert_int_equal(context_create(guest.aspace, &more), -EAGAIN);
    context_free(contexts[7]);
    assert_int_equal(context_create(guest.aspace, &contexts[7]), 0);
    for (int i = 1; i < STUB_THREAD_COUNT; i++)
        context_free(contexts[i]);
    assert_int_equal(stub_of(guest.aspace)->thread_count, STUB_THREAD_COUNT);
}

static void a_detached_thread_serves_the_next_context(void **state)
{
    struct stub_thread *thread = ptrace_context_of(guest.context)->thread;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        guest.regs = (struct guest_regs){.rsp = GUEST_STACK, .rax = i, .rdi = GUEST_DATA};
        guest.regs.fs_base = GUEST_DATA;
        assert_int_equal(guest_enter(&guest, GUEST_AT(store)), TRAP_SYSCALL);
        assert_int_equal(*guest_word(&guest, GUEST_DATA), i);
        context_detach(guest.context);
        context_free(guest.context);
        assert_int_equal(context_create(guest.aspace, &guest.context), 0);
        assert_ptr_equal(ptrace_context_of(guest.context)->thread, thread);
        assert_int_equal(context_attach(guest.context), 0);
    }
    assert_int_equal(stub_of(guest.aspace)->thread_count, 1);
    guest.regs = (struct guest_regs){.rsp = GUEST_STACK};
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    assert_int_equal(guest.regs.fs_base, 0);
}

static void *attach_and_enter(void *argument)
{
    struct guest *other = argument;

    assert_int_equal(context_attach(other->context), 0);
    assert_int_equal(guest_enter(other, GUEST_AT(store)), TRAP_SYSCALL);
    context_detach(other->context);
    return NULL;
}

static void a_context_moves_between_host_threads(void **state)
{
    pthread_t thread;

    (void)state;
    context_detach(guest.context);
    for (uint64_t i = 1; i < 20; i++) {
        guest.regs = (struct guest_regs){.rsp = GUEST_STACK, .rax = i, .rdi = GUEST_DATA};
        assert_int_equal(host_thread_start(&thread, attach_and_enter, &guest, "tracer"), 0);
        host_thread_join(thread);
        assert_int_equal(*guest_word(&guest, GUEST_DATA), i);
    }
    assert_int_equal(context_attach(guest.context), 0);
}

static void a_detach_forgets_an_interrupt_signal_that_is_pending(void **state)
{
    struct ptrace_context *context = ptrace_context_of(guest.context);

    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)syscall(SYS_tgkill, context->stub->pid, context->thread->tid, INTERRUPT_SIGNAL);
        context_detach(guest.context);
        (void)syscall(SYS_tgkill, context->stub->pid, context->thread->tid, INTERRUPT_SIGNAL);
        assert_int_equal(context_attach(guest.context), 0);
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
    }
}

/* Results that mean a restart to the host, met by a signal that nobody wants any more. */
static void the_host_restarts_nothing(void **state)
{
    struct ptrace_context *context = ptrace_context_of(guest.context);

    (void)state;
    for (uint64_t code = 510; code <= 520; code++) {
        guest.regs.rax = SYS_getpid;
        assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
        (void)syscall(SYS_tgkill, context->stub->pid, context->thread->tid, INTERRUPT_SIGNAL);
        guest.regs.rax = -code;
        guest.regs.rdi = GUEST_DATA;
        assert_int_equal(guest_enter(&guest, GUEST_AT(store)), TRAP_SYSCALL);
        assert_int_equal(*guest_word(&guest, GUEST_DATA), -code);
        assert_int_equal(guest.regs.rax, -code);
    }
}

/* --- interrupts --- */

static void *interrupt_when_counting(void *argument)
{
    (void)argument;
    world_unbind();
    wait_past(GUEST_DATA, 0);
    context_interrupt(guest.context);
    return NULL;
}

static void a_running_guest_is_interrupted(void **state)
{
    pthread_t thread;

    (void)state;
    guest.regs.rdi = GUEST_DATA;
    guest.regs.rsi = GUEST_DATA + 8;
    for (int i = 0; i < 20; i++) {
        *watched_word(GUEST_DATA) = 0;
        assert_int_equal(host_thread_start(&thread, interrupt_when_counting, NULL, "other"), 0);
        assert_int_equal(guest_enter(&guest, GUEST_AT(count)), TRAP_INTERRUPT);
        assert_in_range(guest.regs.rip, GUEST_AT(count), GUEST_AT(int3));
        host_thread_join(thread);
    }
}

/* Each is answered before the next is sent, so a lost one hangs the test. */
struct storm {
    atomic_uint sent, seen;
};

static void *send_storm(void *argument)
{
    struct storm *storm = argument;

    world_unbind();
    for (unsigned i = 1; i <= INTERRUPTS; i++) {
        for (unsigned spin = 0; spin < i % 64 * 8; spin++)
            __builtin_ia32_pause();
        atomic_store(&storm->sent, i);
        context_interrupt(guest.context);
        while (atomic_load(&storm->seen) != i)
            (void)sched_yield();
    }
    return NULL;
}

static void no_interrupt_is_lost(void **state)
{
    struct storm storm = {0};
    pthread_t thread;

    (void)state;
    assert_int_equal(host_thread_start(&thread, send_storm, &storm, "storm"), 0);
    while (atomic_load(&storm.seen) < INTERRUPTS) {
        /* Now and then a call, so that interrupts also come while the context is stopped. */
        if (guest_enter(&guest, GUEST_AT(syscall)) == TRAP_SYSCALL)
            (void)guest_enter(&guest, GUEST_AT(spin));
        assert_int_equal(guest.trap.kind, TRAP_INTERRUPT);
        atomic_store(&storm.seen, atomic_load(&storm.sent));
    }
    host_thread_join(thread);
}

static void *interrupt_without_end(void *argument)
{
    atomic_bool *is_over = argument;

    world_unbind();
    while (!atomic_load(is_over)) {
        context_interrupt(guest.context);
        (void)sched_yield();
    }
    return NULL;
}

/* Interrupts change no register and repeat or skip nothing. */
static void interrupts_leave_the_guest_as_it_is(void **state)
{
    atomic_bool is_over = false;
    pthread_t thread;
    unsigned interrupts = 0;

    (void)state;
    guest.regs.rdi = GUEST_DATA;
    guest.regs.rdx = GUEST_DATA_SIZE / 4096;
    guest.regs.rax = 5;
    assert_int_equal(host_thread_start(&thread, interrupt_without_end, &is_over, "other"), 0);
    for (uint64_t round = 0; round < 500; round++) {
        guest.regs.rax = round;
        guest.regs.rdi = GUEST_DATA;
        guest.regs.rdx = GUEST_DATA_SIZE / 4096;
        guest.regs.rip = GUEST_AT(touch);
        while (guest_resume(&guest) == TRAP_INTERRUPT)
            interrupts++;
        assert_int_equal(guest.trap.kind, TRAP_SYSCALL);
        assert_int_equal(guest.regs.rax, round);
        assert_int_equal(guest.regs.rdi, GUEST_DATA + GUEST_DATA_SIZE);
        for (uint64_t at = 0; at < GUEST_DATA_SIZE; at += 4096)
            assert_int_equal(*guest_word(&guest, GUEST_DATA + at), round);
    }
    atomic_store(&is_over, true);
    host_thread_join(thread);
    assert_true(interrupts > 0);
}

/* --- several threads of one guest --- */

struct watcher {
    struct guest guest;
    uint64_t result;
};

static void *watch(void *argument)
{
    struct watcher *watcher = argument;

    assert_int_equal(context_attach(watcher->guest.context), 0);
    (void)guest_enter(&watcher->guest, GUEST_AT(watch));
    watcher->result =
        watcher->guest.trap.kind == TRAP_SYSCALL ? watcher->guest.regs.rax : UINT64_MAX;
    context_detach(watcher->guest.context);
    context_free(watcher->guest.context);
    return NULL;
}

/* The mm thread works while one app thread is stopped and others run; these see old or new content,
 * never a fault. */
static void mappings_change_under_running_threads(void **state)
{
    struct watcher watchers[WATCHERS];
    pthread_t threads[WATCHERS];
    uint64_t run = world_run(8192);
    size_t done;

    (void)state;
    *(uint64_t *)memfile_at(world_memfile, run) = 0xaaaa;
    *(uint64_t *)memfile_at(world_memfile, run + 4096) = 0xbbbb;
    guest_map(&guest, WATCHED, 4096, PROT_READ, run);
    for (int i = 0; i < WATCHERS; i++) {
        watchers[i] = (struct watcher){.guest = guest};
        watchers[i].guest.regs = (struct guest_regs){
            .rdi = WATCHED, .rsi = GUEST_DATA + 64 * (uint64_t)i, .r8 = 0xaaaa, .r9 = 0xbbbb};
        assert_int_equal(context_create(guest.aspace, &watchers[i].guest.context), 0);
        assert_int_equal(host_thread_start(&threads[i], watch, &watchers[i], "watcher"), 0);
    }
    for (int i = 0; i < WATCHERS; i++)
        wait_past(GUEST_DATA + 64 * (uint64_t)i + 8, 0);
    for (uint64_t i = 0; i < CHANGES; i++) {
        const struct aspace_op op = op_map(WATCHED, 4096, PROT_READ, run + i % 2 * 4096);
        assert_int_equal(aspace_apply(guest.aspace, &op, 1, &done), 0);
    }
    for (int i = 0; i < WATCHERS; i++) {
        *watched_word(GUEST_DATA + 64 * (uint64_t)i) = 1;
        host_thread_join(threads[i]);
        assert_int_equal(watchers[i].result, 0);
    }
    memfile_put(world_memfile, run, 8192);
}

/* --- vector state --- */

static void vector_state_is_read_and_written(void **state)
{
    char image[XSTATE_SIZE_MAX], again[XSTATE_SIZE_MAX];
    uint64_t xmm3[2] = {0x1111222233334444, 0x5555666677778888};
    enum { XMM3 = 160 + 3 * 16 };

    (void)state;
    assert_in_range(xstate_size(), XSTATE_EXTENDED, XSTATE_SIZE_MAX);
    assert_int_equal(xstate_features() & (XFEATURE_X87 | XFEATURE_SSE), 3);
    assert_int_equal(xstate_features() & XFEATURE_AMX, 0);
    guest.regs.rdi = 4711;
    assert_int_equal(guest_enter(&guest, GUEST_AT(xmm)), TRAP_SYSCALL);
    assert_int_equal(context_get_xstate(guest.context, image), 0);
    assert_int_equal(*(uint64_t *)(image + XMM3), 4711);
    memcpy(image + XMM3, xmm3, sizeof(xmm3));
    assert_int_equal(context_set_xstate(guest.context, image), 0);
    assert_int_equal(guest_resume(&guest), TRAP_SYSCALL);
    assert_int_equal(guest.regs.rdi, xmm3[0]);
    assert_int_equal(context_get_xstate(guest.context, again), 0);
    assert_memory_equal(again, image, xstate_size());
}

static void a_new_context_has_the_state_of_a_new_program(void **state)
{
    char image[XSTATE_SIZE_MAX], expected[XSTATE_SIZE_MAX];

    (void)state;
    guest.regs.rdi = 4711;
    assert_int_equal(guest_enter(&guest, GUEST_AT(xmm)), TRAP_SYSCALL);
    context_detach(guest.context);
    context_free(guest.context);
    assert_int_equal(context_create(guest.aspace, &guest.context), 0);
    assert_int_equal(context_attach(guest.context), 0);
    assert_int_equal(context_get_xstate(guest.context, image), 0);
    xstate_init(expected);
    /* Which components count as in use is the host's business. */
    memset(image + XSTATE_HEADER, 0, 8);
    memset(expected + XSTATE_HEADER, 0, 8);
    assert_memory_equal(image, expected, xstate_size());
}

static void expect_refused(char *image, size_t at, uint8_t bits)
{
    char before[XSTATE_SIZE_MAX], after[XSTATE_SIZE_MAX];

    image[at] ^= (char)bits;
    assert_int_equal(context_get_xstate(guest.context, before), 0);
    assert_int_equal(xstate_check(image), -EINVAL);
    assert_int_equal(context_set_xstate(guest.context, image), -EINVAL);
    assert_int_equal(context_get_xstate(guest.context, after), 0);
    assert_memory_equal(before, after, xstate_size());
    image[at] ^= (char)bits;
    assert_int_equal(context_set_xstate(guest.context, image), 0);
}

static void hostile_vector_state_is_refused(void **state)
{
    char image[XSTATE_SIZE_MAX];

    (void)state;
    assert_int_equal(context_get_xstate(guest.context, image), 0);
    for (unsigned byte = 8; byte < XSTATE_HEADER_SIZE; byte++)
        expect_refused(image, XSTATE_HEADER + byte, 0x80);
    expect_refused(image, XSTATE_HEADER + 7, 0x40); /* XSTATE_BV: features that are not there */
    expect_refused(image, XSTATE_HEADER + 2, 0x04); /* AMX */
    expect_refused(image, XSTATE_MXCSR + 2, 0x10);
    expect_refused(image, XSTATE_MXCSR + 3, 0x80);
    /* All else is data. */
    memset(image, 0xff, XSTATE_MXCSR);
    memset(image + 32, 0xff, XSTATE_HEADER - 32);
    memset(image + XSTATE_EXTENDED, 0x55, xstate_size() - XSTATE_EXTENDED);
    assert_int_equal(context_set_xstate(guest.context, image), 0);
    assert_int_equal(guest_enter(&guest, GUEST_AT(syscall)), TRAP_SYSCALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(contexts_are_made_up_to_a_limit_and_reused),
        TEST(a_detached_thread_serves_the_next_context),
        TEST(a_context_moves_between_host_threads),
        TEST(a_detach_forgets_an_interrupt_signal_that_is_pending),
        TEST(the_host_restarts_nothing),
        TEST(a_running_guest_is_interrupted),
        TEST(no_interrupt_is_lost),
        TEST(interrupts_leave_the_guest_as_it_is),
        TEST(mappings_change_under_running_threads),
        TEST(vector_state_is_read_and_written),
        TEST(a_new_context_has_the_state_of_a_new_program),
        TEST(hostile_vector_state_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
