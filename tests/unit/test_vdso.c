/* SPDX-License-Identifier: Apache-2.0 */
/* The vDSO, called by a guest as libc would: found by its symbols, true to the clocks, never back.
 */
#include "tests/unit/mm_world.h"

#include <elf.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "core/base/host.h"

#define STACK UINT64_C(0x20000000)
#define RESULT (STACK + 256)

enum { ERROR_MAX = 1000 * 1000 }; /* ns: the rate is known to some parts in 100,000 */

extern const char vdso_image_start[];
extern const char guest_text[], guest_call[];

static struct mm *mm;
static struct mm_guest guest;

static int set_up(void **state)
{
    if (mm_world_set_up_platform(state) < 0)
        return -1;
    mm_kernel->machine = host_alloc(1, sizeof *mm_kernel->machine);
    if (!mm_kernel->machine || vdso_init(mm_kernel) < 0)
        return -1;
    mm_kernel->clock.offset = -NSEC_PER_SEC * 1000; /* another time than the host's */
    mm = mm_new();
    (void)mm_map(mm, STACK, MEM_PAGE, RW, PRIVATE | MAP_FIXED);
    mm_guest_start(&guest, mm);
    return mm_map_vdso(mm);
}

static int tear_down(void **state)
{
    mm_guest_stop(&guest);
    object_put(&mm->object);
    memfile_put(mm_kernel->memfile, mm_kernel->machine->vdso_offset, VDSO_SIZE);
    host_free(mm_kernel->machine);
    return mm_world_tear_down(state);
}

/* Of a dynamic section: the address that its entry names. */
static const void *dynamic_entry(int64_t tag)
{
    const Elf64_Ehdr *ehdr = (const void *)vdso_image_start;
    const Elf64_Phdr *phdr = (const void *)(vdso_image_start + ehdr->e_phoff);

    for (int i = 0; i < ehdr->e_phnum; i++)
        if (phdr[i].p_type == PT_DYNAMIC)
            for (const Elf64_Dyn *dyn = (const void *)(vdso_image_start + phdr[i].p_vaddr);
                 dyn->d_tag != DT_NULL; dyn++)
                if (dyn->d_tag == tag)
                    return vdso_image_start + dyn->d_un.d_ptr;
    fail_msg("the vDSO has no dynamic entry %lld", (long long)tag);
    return NULL;
}

static guest_addr_t function(const char *name)
{
    const uint32_t *hash = dynamic_entry(DT_HASH);
    const Elf64_Sym *symbols = dynamic_entry(DT_SYMTAB);
    const char *strings = dynamic_entry(DT_STRTAB);

    (void)dynamic_entry(DT_VERDEF);
    for (uint32_t i = 0; i < hash[1]; i++)
        if (strcmp(strings + symbols[i].st_name, name) == 0 && symbols[i].st_shndx != SHN_UNDEF)
            return mm->vdso + symbols[i].st_value;
    fail_msg("the vDSO has no %s", name);
    return 0;
}

/* Calls a function of two arguments; true: it returned without a system call. */
static bool call(const char *name, uint64_t a, uint64_t b, int64_t *ret)
{
    guest.regs.rsp = STACK + MEM_PAGE - 64;
    guest.regs.rdi = a;
    guest.regs.rsi = b;
    guest.regs.rbx = function(name);
    guest.regs.rip = 0x400000 + (uint64_t)(guest_call - guest_text);
    assert_true(mm_guest_run(&guest));
    *ret = (int64_t)guest.regs.rax;
    return guest.regs.rip < mm->vdso;
}

static int64_t guest_clock(clockid_t clock)
{
    int64_t result;

    assert_true(call("__vdso_clock_gettime", (uint64_t)clock, RESULT, &result));
    assert_int_equal(result, 0);
    return (int64_t)mm_peek(mm, RESULT) * NSEC_PER_SEC + (int64_t)mm_peek(mm, RESULT + 8);
}

static void use_counter(void)
{
    host_sleep(5 * NSEC_PER_MSEC);
    vdso_update(mm_kernel);
    if (!mm_kernel->vdso.is_usable)
        skip(); /* the counter of this machine has no constant rate */
    assert_int_equal(mm_kernel->vdso.data.mode, VDSO_MODE_TSC);
}

static void test_clocks_are_true(void **state)
{
    nsec_t before, now;

    (void)state;
    use_counter();
    before = clock_now(&mm_kernel->clock);
    now = guest_clock(CLOCK_MONOTONIC);
    assert_in_range(now, before - ERROR_MAX, clock_now(&mm_kernel->clock) + ERROR_MAX);
    before = host_clock_realtime();
    now = guest_clock(CLOCK_REALTIME);
    assert_in_range(now, before - ERROR_MAX, host_clock_realtime() + ERROR_MAX);
}

static void test_other_calls(void **state)
{
    int64_t result, now;

    (void)state;
    use_counter();
    now = host_clock_realtime() / NSEC_PER_SEC;
    assert_true(call("__vdso_time", RESULT, 0, &result));
    assert_in_range(result, now - 1, host_clock_realtime() / NSEC_PER_SEC + 1);
    assert_int_equal(mm_peek(mm, RESULT), result);
    assert_true(call("__vdso_gettimeofday", RESULT, 0, &result));
    assert_int_equal(result, 0);
    assert_in_range(mm_peek(mm, RESULT), now - 1, host_clock_realtime() / NSEC_PER_SEC + 1);
    assert_in_range(mm_peek(mm, RESULT + 8), 0, 999999);
    (void)function("clock_gettime");
    (void)function("__vdso_getcpu");
}

/* Over updates, in which small errors are worked off, time only goes on. */
static void test_never_back(void **state)
{
    nsec_t last = 0, now;

    (void)state;
    use_counter();
    for (int i = 0; i < 300; i++) {
        now = guest_clock(CLOCK_MONOTONIC);
        assert_true(now >= last);
        last = now;
        if (i % 3 == 0)
            vdso_update(mm_kernel);
        now = guest_clock(CLOCK_MONOTONIC);
        assert_true(now >= last);
        last = now;
    }
}

/* A clock that stands, or that moved far, is taken as it is. */
static void test_steps(void **state)
{
    nsec_t before, now;

    (void)state;
    use_counter();
    mm_kernel->clock.offset -= NSEC_PER_SEC * 3600;
    vdso_update(mm_kernel);
    before = clock_now(&mm_kernel->clock);
    now = guest_clock(CLOCK_MONOTONIC);
    assert_in_range(now, before - ERROR_MAX, clock_now(&mm_kernel->clock) + ERROR_MAX);
    clock_stop(&mm_kernel->clock);
    vdso_update(mm_kernel);
    assert_int_equal(mm_kernel->vdso.data.mode, VDSO_MODE_CALL);
    clock_start(&mm_kernel->clock);
}

/* What it does not know it asks the kernel. */
static void test_asks_the_kernel(void **state)
{
    int64_t result;

    (void)state;
    assert_false(call("__vdso_clock_gettime", CLOCK_MONOTONIC, RESULT, &result));
    assert_int_equal(result, SYS_clock_gettime);
    assert_int_equal(guest.regs.rdi, CLOCK_MONOTONIC);
    assert_int_equal(guest.regs.rsi, RESULT);
    use_counter();
    assert_false(call("__vdso_clock_gettime", CLOCK_THREAD_CPUTIME_ID, RESULT, &result));
    assert_int_equal(result, SYS_clock_gettime);
    assert_false(call("__vdso_getcpu", RESULT, 0, &result));
    assert_int_equal(result, SYS_getcpu);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_clocks_are_true), TEST(test_other_calls),     TEST(test_never_back),
        TEST(test_steps),           TEST(test_asks_the_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
