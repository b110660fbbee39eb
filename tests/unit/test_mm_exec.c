/* SPDX-License-Identifier: Apache-2.0 */
/* exec: small programs made here, run until their first system call. */
#include "tests/unit/mm_world.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/host.h"

#define PAGES(n) ((n)*MEM_PAGE)

enum { BASE = 0x400000, DATA = 0x403000, MUTATIONS = 300 };

/* mov DATA+8 into rax; add DATA + 0x3000 (bss); syscall */
static const uint8_t code[] = {
    0x48, 0x8b, 0x04, 0x25, 0x08, 0x30, 0x40, 0x00, /* mov 0x403008, %rax */
    0x48, 0x03, 0x04, 0x25, 0x00, 0x60, 0x40, 0x00, /* add 0x406000, %rax */
    0x0f, 0x05};

struct program {
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdrs[3];
    uint8_t rest[3 * 4096];
};

static void make_program(struct program *program)
{
    memset(program, 0, sizeof *program);
    memcpy(program->ehdr.e_ident, ELFMAG, SELFMAG);
    program->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    program->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    program->ehdr.e_type = ET_EXEC;
    program->ehdr.e_machine = EM_X86_64;
    program->ehdr.e_entry = BASE + 0x1000;
    program->ehdr.e_phoff = sizeof(Elf64_Ehdr);
    program->ehdr.e_phentsize = sizeof(Elf64_Phdr);
    program->ehdr.e_phnum = 3;
    program->phdrs[0] = (Elf64_Phdr){PT_LOAD, PF_R, 0, BASE, BASE, 0x200, 0x200, 4096};
    program->phdrs[1] = (Elf64_Phdr){PT_LOAD,       PF_R | PF_X, 0x1000,      BASE + 0x1000,
                                     BASE + 0x1000, sizeof code, sizeof code, 4096};
    program->phdrs[2] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x2000, DATA, DATA, 0x10, 0x4000, 4096};
    memcpy((char *)program + 0x1000, code, sizeof code);
    memcpy((char *)program + 0x2008, "\x2a\0\0\0\0\0\0\0", 8);
    memset((char *)program + 0x2010, 0xff, 0x100); /* past the segment: not to be seen */
}

static char *argv[] = {"program", "one", NULL}, *envp[] = {"HOME=/", "LANG=C", NULL};

static int exec(struct file *file, struct mm **ret, struct guest_regs *regs)
{
    static const struct cred cred = {.uid = 5, .euid = 5, .gid = 6, .egid = 6};
    struct exec_request request = {.file = file,
                                   .filename = "/bin/program",
                                   .argv = argv,
                                   .envp = envp,
                                   .cred = &cred,
                                   .random = "0123456789abcde"};

    return mm_exec(mm_kernel, &request, ret, regs);
}

static int exec_program(const struct program *program, struct mm **ret, struct guest_regs *regs)
{
    struct file *file = mm_file(program, sizeof *program, O_RDONLY);
    int err = exec(file, ret, regs);

    object_put(&file->object);
    return err;
}

static void run(struct mm *mm, const struct guest_regs *regs, struct mm_guest *guest)
{
    mm_guest_start(guest, mm);
    guest->regs = *regs;
    assert_true(mm_guest_run(guest));
    mm_guest_stop(guest);
}

static void test_static_program(void **state)
{
    struct program program;
    struct mm_guest guest;
    struct guest_regs regs;
    struct mm *mm;

    (void)state;
    make_program(&program);
    assert_int_equal(exec_program(&program, &mm, &regs), 0);
    assert_int_equal(regs.rip, BASE + 0x1000);
    assert_int_equal(mm->brk_start, 0x407000);
    assert_int_equal(mm_peek(mm, DATA + 0x10), 0); /* zeroed up to the page's end */
    assert_int_equal(mm_peek(mm, DATA + 0x3ff8), 0);
    run(mm, &regs, &guest);
    assert_int_equal(guest.regs.rax, 42);
    mm_check(mm);
    object_put(&mm->object);
}

static void test_position_independent(void **state)
{
    struct program program;
    struct guest_regs regs;
    struct mm *mm;

    (void)state;
    make_program(&program);
    program.ehdr.e_type = ET_DYN;
    program.ehdr.e_entry = 0x1000;
    for (int i = 0; i < 3; i++)
        program.phdrs[i].p_vaddr -= BASE;
    assert_int_equal(exec_program(&program, &mm, &regs), 0);
    assert_int_equal(regs.rip, UINT64_C(0x555555554000) + 0x1000);
    assert_int_equal(mm_peek(mm, UINT64_C(0x555555557008)), 42);
    object_put(&mm->object);
}

static void assert_string(struct mm *mm, guest_addr_t address, const char *expected)
{
    char text[64];

    assert_true(user_copy_string(mm, text, address, sizeof text) >= 0);
    assert_string_equal(text, expected);
}

static uint64_t find_auxv(struct mm *mm, guest_addr_t auxv, uint64_t key)
{
    for (; mm_peek(mm, auxv) != AT_NULL; auxv += 16)
        if (mm_peek(mm, auxv) == key)
            return mm_peek(mm, auxv + 8);
    fail_msg("auxv has no %llu", (unsigned long long)key);
    return 0;
}

static void test_first_stack(void **state)
{
    struct program program;
    struct guest_regs regs;
    guest_addr_t sp, auxv;
    struct mm *mm;

    (void)state;
    make_program(&program);
    assert_int_equal(exec_program(&program, &mm, &regs), 0);
    sp = regs.rsp;
    assert_int_equal(sp % 16, 0);
    assert_int_equal(mm_peek(mm, sp), 2);
    assert_string(mm, mm_peek(mm, sp + 8), "program");
    assert_string(mm, mm_peek(mm, sp + 16), "one");
    assert_int_equal(mm_peek(mm, sp + 24), 0);
    assert_string(mm, mm_peek(mm, sp + 32), "HOME=/");
    assert_string(mm, mm_peek(mm, sp + 40), "LANG=C");
    assert_int_equal(mm_peek(mm, sp + 48), 0);
    auxv = sp + 56;
    assert_int_equal(find_auxv(mm, auxv, AT_PAGESZ), 4096);
    assert_int_equal(find_auxv(mm, auxv, AT_PHDR), BASE + 64);
    assert_int_equal(find_auxv(mm, auxv, AT_PHNUM), 3);
    assert_int_equal(find_auxv(mm, auxv, AT_ENTRY), regs.rip);
    assert_int_equal(find_auxv(mm, auxv, AT_UID), 5);
    assert_int_equal(find_auxv(mm, auxv, AT_EGID), 6);
    assert_int_equal(find_auxv(mm, auxv, AT_BASE), 0);
    assert_string(mm, find_auxv(mm, auxv, AT_EXECFN), "/bin/program");
    assert_string(mm, find_auxv(mm, auxv, AT_PLATFORM), "x86_64");
    assert_string(mm, find_auxv(mm, auxv, AT_RANDOM), "0123456789abcde");
    assert_int_equal(mm->arg_start, mm_peek(mm, sp + 8));
    assert_int_equal(mm->env_start, mm_peek(mm, sp + 32));
    assert_int_equal(mm->arg_end, mm->env_start);
    assert_string(mm, mm->env_end, "/bin/program");
    mm_poke(mm, sp - PAGES(1500), 1); /* it grows */
    object_put(&mm->object);
}

static void test_vdso_is_mapped(void **state)
{
    struct machine *machine = host_alloc(1, sizeof *machine);
    struct program program;
    struct guest_regs regs;
    struct mm *mm;

    (void)state;
    mm_kernel->machine = machine;
    mm_kernel->clock.is_stopped = true;
    mm_kernel->clock.stopped_at = 1234;
    assert_int_equal(vdso_init(mm_kernel), 0);
    vdso_update(mm_kernel);
    make_program(&program);
    assert_int_equal(exec_program(&program, &mm, &regs), 0);
    assert_int_not_equal(mm->vdso, 0);
    assert_int_equal(mm_peek(mm, mm->vdso), 0x00010102464c457f);
    assert_int_equal(mm_peek(mm, mm->vdso + VDSO_TEXT_SIZE) & 1, 0);
    assert_int_equal(mm_peek(mm, mm->vdso + VDSO_TEXT_SIZE + offsetof(struct vdso_data, monotonic)),
                     1234);
    assert_int_equal(mm_mprotect(mm, mm->vdso + VDSO_TEXT_SIZE, MEM_PAGE, RW), -EACCES);
    object_put(&mm->object);
    memfile_put(mm_kernel->memfile, machine->vdso_offset, VDSO_SIZE);
    host_free(machine);
}

static void test_too_many_arguments(void **state)
{
    struct program program;
    struct guest_regs regs;
    struct mm *mm;
    char *large = host_alloc(1, (128 << 10) + 2), *saved = argv[1];

    (void)state;
    memset(large, 'x', (128 << 10) + 1);
    make_program(&program);
    argv[1] = large;
    assert_int_equal(exec_program(&program, &mm, &regs), -E2BIG);
    large[(128 << 10) - 1] = '\0';
    assert_int_equal(exec_program(&program, &mm, &regs), 0);
    object_put(&mm->object);
    argv[1] = saved;
    host_free(large);
}

static void test_no_program(void **state)
{
    struct guest_regs regs;
    struct file *file;
    struct mm *mm;

    (void)state;
    file = mm_file("#!/bin/sh\n", 10, O_RDONLY);
    assert_int_equal(exec(file, &mm, &regs), -ENOEXEC);
    object_put(&file->object);
    file = mm_file("", 0, O_RDONLY);
    assert_int_equal(exec(file, &mm, &regs), -ENOEXEC);
    object_put(&file->object);
}

/* Damaged programs: an error or a mm, nothing left, no crash. */
static void test_mutations(void **state)
{
    uint64_t seed = 7;
    unsigned good = 0;

    (void)state;
    for (int i = 0; i < MUTATIONS; i++) {
        struct program program;
        struct guest_regs regs;
        struct mm *mm;

        make_program(&program);
        for (int n = 0; n < 2; n++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            ((uint8_t *)&program)[16 + (seed >> 33) % 216] = (uint8_t)(seed >> 56);
        }
        if (exec_program(&program, &mm, &regs) < 0)
            continue;
        good++;
        mm_check(mm);
        object_put(&mm->object);
    }
    assert_in_range(good, 1, MUTATIONS - 1);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mm_world_set_up_platform, mm_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_static_program), TEST(test_position_independent), TEST(test_first_stack),
        TEST(test_vdso_is_mapped), TEST(test_too_many_arguments),   TEST(test_no_program),
        TEST(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
