/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two seccomp filters of a stub, as lists of rules: a rule allows one call if all its checks
 * hold. They are assembled here because libseccomp has no check on the sum of two arguments.
 *
 * 1. The filter of the mm thread, which every thread of every stub inherits, holds all that the mm
 *    thread and the first instructions of a child need, with exact arguments. It answers EPERM to
 *    the rest: an errno, so that the other filter's action outranks it.
 * 2. The filter of app threads (R7) permits the wait in which a thread without tracer stands, on
 *    words that guests cannot write, and traps the rest. No permission depends on the instruction
 *    pointer.
 */
#include "platform/stub/filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "platform/platform.h"
#include "platform/stub/layout.h"

_Static_assert(STUB_THREAD_FLAGS == (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                     CLONE_THREAD | CLONE_SYSVSEM),
               "layout.h");
_Static_assert(STUB_FORK_FLAGS == (CLONE_PARENT | CLONE_FILES | SIGCHLD), "layout.h");
_Static_assert((uint64_t)STUB_GUEST_END_HIGH << 32 == GUEST_ADDRESS_END, "layout.h");

enum {
    TO_NEXT_RULE = 0xff, /* a jump that rule_end resolves */
    PROT_ANY = PROT_READ | PROT_WRITE | PROT_EXEC,
    PROGRAM_MAX = (STUB_CONFIG_SIZE - CONFIG_PROGRAMS) / sizeof(struct sock_filter),
    RULE_MAX = 250, /* jumps have eight bits */
};

struct program {
    struct sock_filter *code;
    unsigned size, capacity;
    unsigned rule; /* where the current rule begins */
};

static void emit(struct program *program, int code, uint32_t k, int if_true, int if_false)
{
    assert(program->size < program->capacity);
    program->code[program->size++] =
        (struct sock_filter){(uint16_t)code, (uint8_t)if_true, (uint8_t)if_false, k};
}

static void load(struct program *program, size_t offset)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void jump(struct program *program, int op, uint32_t k, int if_true, int if_false)
{
    emit(program, BPF_JMP | op | BPF_K, k, if_true, if_false);
}

static size_t argument(unsigned nr)
{
    return offsetof(struct seccomp_data, args) + nr * sizeof(uint64_t);
}

static void program_begin(struct program *program)
{
    load(program, offsetof(struct seccomp_data, arch));
    jump(program, BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
}

static void rule_begin(struct program *program, long nr)
{
    program->rule = program->size;
    load(program, offsetof(struct seccomp_data, nr));
    jump(program, BPF_JEQ, (uint32_t)nr, 0, TO_NEXT_RULE);
}

/* All checks hold: allowed. */
static void rule_end(struct program *program)
{
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    assert(program->size - program->rule < RULE_MAX);
    for (unsigned i = program->rule; i < program->size; i++) {
        struct sock_filter *code = &program->code[i];
        if (code->jt == TO_NEXT_RULE)
            code->jt = (uint8_t)(program->size - i - 1);
        if (code->jf == TO_NEXT_RULE)
            code->jf = (uint8_t)(program->size - i - 1);
    }
}

/* The argument is first..last, which have the same upper half. */
static void argument_within(struct program *program, unsigned nr, uint64_t first, uint64_t last)
{
    assert(first >> 32 == last >> 32);
    load(program, argument(nr) + 4);
    jump(program, BPF_JEQ, (uint32_t)(first >> 32), 0, TO_NEXT_RULE);
    load(program, argument(nr));
    jump(program, BPF_JGE, (uint32_t)first, 0, TO_NEXT_RULE);
    jump(program, BPF_JGT, (uint32_t)last, TO_NEXT_RULE, 0);
}

static void argument_is(struct program *program, unsigned nr, uint64_t value)
{
    argument_within(program, nr, value, value);
}

/* Address and size, arguments 0 and 1, end below the stub. It is checked on the upper halves, which
 * leaves 4 GB for the carry; no sum of theirs can wrap. */
static void range_is_guest(struct program *program)
{
    load(program, argument(1) + 4);
    jump(program, BPF_JGE, STUB_GUEST_END_HIGH, TO_NEXT_RULE, 0);
    emit(program, BPF_MISC | BPF_TAX, 0, 0, 0);
    load(program, argument(0) + 4);
    jump(program, BPF_JGE, STUB_GUEST_END_HIGH, TO_NEXT_RULE, 0);
    emit(program, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
    jump(program, BPF_JGE, STUB_GUEST_END_HIGH, TO_NEXT_RULE, 0);
}

/* A call whose first count arguments have these values. */
static void allow_exact(struct program *program, long nr, unsigned count, const uint64_t *values)
{
    rule_begin(program, nr);
    for (unsigned i = 0; i < count; i++)
        argument_is(program, i, values[i]);
    rule_end(program);
}

static void allow_guest_map(struct program *program, uint64_t first_fd, uint64_t last_fd)
{
    rule_begin(program, SYS_mmap);
    range_is_guest(program);
    argument_within(program, 2, 0, PROT_ANY);
    argument_is(program, 3, MAP_SHARED | MAP_FIXED);
    argument_within(program, 4, first_fd, last_fd);
    rule_end(program);
}

/* munmap; mprotect and madvise with argument 2 within first..last. */
static void allow_guest_range(struct program *program, long nr, uint64_t first, uint64_t last)
{
    rule_begin(program, nr);
    range_is_guest(program);
    if (nr != SYS_munmap)
        argument_within(program, 2, first, last);
    rule_end(program);
}

static void allow_futex(struct program *program, uint64_t first, uint64_t last)
{
    rule_begin(program, SYS_futex);
    argument_within(program, 0, first, last);
    argument_within(program, 1, FUTEX_WAIT, FUTEX_WAKE);
    rule_end(program);
}

/* Answers come from constants and from the COMMAND page, never from memory that can be written. */
static void allow_answer(struct program *program, uint64_t first, uint64_t last, uint64_t size)
{
    rule_begin(program, SYS_pwrite64);
    argument_is(program, 0, STUB_FD_CONTROL);
    argument_within(program, 1, first, last);
    argument_is(program, 2, size);
    argument_within(program, 3, CONTROL_SLOTS, CONTROL_SIZE - 1);
    rule_end(program);
}

/* The first steps of a child: its slot, its end with its parent's, the other filter. */
static void allow_start(struct program *program)
{
    allow_exact(program, SYS_mmap, 5,
                (uint64_t[]){STUB_COMMAND, SLOT_MAP_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED,
                             STUB_FD_CONTROL});
    allow_exact(program, SYS_prctl, 2, (uint64_t[]){PR_SET_PDEATHSIG, SIGKILL});
    allow_exact(program, SYS_getppid, 0, NULL);
    allow_exact(program, SYS_getpid, 0, NULL); /* for a child that nobody knows */
    allow_exact(program, SYS_seccomp, 3,
                (uint64_t[]){SECCOMP_SET_MODE_FILTER, 0, STUB_CONFIG + CONFIG_APP_FILTER});
    allow_exact(program, SYS_exit_group, 0, NULL);
}

static void write_mm_filter(struct program *program)
{
    program_begin(program);
    allow_guest_map(program, STUB_FD_MEMFILE, STUB_FD_MEMFILE);
    allow_guest_map(program, STUB_FD_HOST, STUB_FD_LIMIT - 1);
    allow_guest_range(program, SYS_mprotect, 0, PROT_ANY);
    allow_guest_range(program, SYS_munmap, 0, 0);
    allow_guest_range(program, SYS_madvise, MADV_HUGEPAGE, MADV_NOHUGEPAGE);
    allow_guest_range(program, SYS_madvise, STUB_MADV_COLLAPSE, STUB_MADV_COLLAPSE);
    allow_answer(program, STUB_COMMAND, STUB_COMMAND, sizeof(uint32_t));
    allow_answer(program, STUB_TEXT, STUB_TEXT + STUB_TEXT_SIZE - 1, 1);
    allow_futex(program, STUB_COMMAND, STUB_THREADS + STUB_THREADS_SIZE - 1);
    allow_exact(program, SYS_clone, 2, (uint64_t[]){STUB_THREAD_FLAGS, 0});
    allow_exact(program, SYS_clone, 2, (uint64_t[]){STUB_FORK_FLAGS, 0});
    allow_start(program);
    /* Only the template has a BOX, and it runs no guest. */
    allow_exact(program, SYS_recvmsg, 3, (uint64_t[]){STUB_FD_SOCKET, STUB_BOX, 0});
    rule_begin(program, SYS_close);
    argument_within(program, 0, STUB_FD_HOST, STUB_FD_LIMIT - 1);
    rule_end(program);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
}

static void write_app_filter(struct program *program)
{
    program_begin(program);
    allow_futex(program, STUB_THREADS, STUB_THREADS + STUB_THREADS_SIZE - 1);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
}

/* What the stub passes to seccomp(2): the program at its address there. */
static void write_header(char *config, unsigned at, unsigned first, unsigned size)
{
    uint64_t address = STUB_CONFIG + CONFIG_PROGRAMS + first * sizeof(struct sock_filter);
    struct sock_fprog header = {.len = (unsigned short)size,
                                .filter = (struct sock_filter *)address};

    memcpy(config + at, &header, sizeof(header));
}

void filters_write(char *config)
{
    struct sock_filter *code = (struct sock_filter *)(config + CONFIG_PROGRAMS);
    struct program mm = {.code = code, .capacity = PROGRAM_MAX};

    write_mm_filter(&mm);
    struct program app = {.code = code + mm.size, .capacity = PROGRAM_MAX - mm.size};
    write_app_filter(&app);
    write_header(config, CONFIG_MM_FILTER, 0, mm.size);
    write_header(config, CONFIG_APP_FILTER, mm.size, app.size);
}
