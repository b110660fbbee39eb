/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/memfile.h"

/*
 * A platform runs guest code until it traps. It knows registers and address spaces, not tasks.
 * docs/new-platform.md says what each back end has to provide and how calls may be combined.
 */
struct platform;
struct aspace;
struct context;

/* Guest addresses are below this. */
#define GUEST_ADDRESS_END UINT64_C(0x7ffe00000000)

/* General registers, canonical: rip is in guest text, rip - 2 is a legal restart after a syscall.
 */
struct guest_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
    uint64_t rax, rcx, rdx, rsi, rdi;
    uint64_t rip, eflags, rsp;
    uint64_t fs_base, gs_base;
};

enum trap_kind {
    TRAP_SYSCALL, /* rax has the number, in its low 32 bits as Linux takes it */
    TRAP_FAULT,   /* a page fault */
    TRAP_SIGNAL,  /* another synchronous exception: signal, code and address as Linux gives them */
    TRAP_INTERRUPT, /* context_interrupt, or nothing in particular */
    TRAP_DEAD,      /* the stub was killed: the guest process cannot go on */
};

enum fault_access { FAULT_READ = 1, FAULT_WRITE = 2, FAULT_EXEC = 4, FAULT_UNKNOWN = 8 };

struct trap {
    enum trap_kind kind;
    bool is_foreign;          /* TRAP_SYSCALL: by int 0x80 or with an x32 number: ENOSYS */
    bool is_mapped;           /* TRAP_FAULT: something is mapped there (SEGV_ACCERR) */
    enum fault_access access; /* TRAP_FAULT */
    int signal, code;         /* TRAP_SIGNAL and TRAP_FAULT */
    uint64_t address;
};

enum aspace_op_kind { ASPACE_MAP, ASPACE_UNMAP, ASPACE_PROTECT, ASPACE_ADVISE };

/* One change of an address space; page-aligned, below GUEST_ADDRESS_END. */
struct aspace_op {
    enum aspace_op_kind kind;
    int prot;   /* PROT_* */
    int file;   /* ASPACE_MAP: PLATFORM_MEMFILE or what platform_add_file gave */
    int advice; /* ASPACE_ADVISE: MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLLAPSE */
    uint64_t address, size, offset;
};

enum { PLATFORM_MEMFILE = -1 };

/* Starts back end name ("auto": the best that works here). Must be called before the process
 * confines itself, by a thread that lives as long as the platform; log may say why one failed. */
int platform_create(const char *name, struct memfile *memfile, struct platform **ret);
void platform_free(struct platform *platform);
const char *platform_name(const struct platform *platform);
/* Names of the back ends, NULL at the end, for --help. */
const char *const *platform_names(void);

/* Gives a host file to all address spaces; fd is borrowed. Read-only unless fd is open for writing.
 */
int platform_add_file(struct platform *platform, int fd, int *ret);
void platform_remove_file(struct platform *platform, int file);

/* An empty address space, and a copy: before is applied to the parent first, then the child has the
 * same mappings. After an error some of before may be in effect. */
int aspace_create(struct platform *platform, struct aspace **ret);
int aspace_fork(struct aspace *parent, const struct aspace_op *before, size_t count,
                struct aspace **ret);
/* No context is left. Accepts NULL. */
void aspace_free(struct aspace *aspace);
/* Any thread, one batch after the other. *done counts the operations that took effect. -ESRCH: the
 * stub is dead. */
int aspace_apply(struct aspace *aspace, const struct aspace_op *ops, size_t count, size_t *done);
/* CPU time of all guest code in it so far, ns; -ESRCH: the stub is dead. Any thread. */
int64_t aspace_cpu_time(struct aspace *aspace);
/* Kills the stub: every context of it traps TRAP_DEAD, now or at its next enter. Any thread. */
void aspace_kill(struct aspace *aspace);

/* Any thread makes it; the thread that will enter it attaches and detaches it, and is bound to a
 * CPU meanwhile; any thread frees it once it is detached. -EAGAIN: an address space has 512. */
int context_create(struct aspace *aspace, struct context **ret);
int context_attach(struct context *context);
void context_detach(struct context *context);
void context_free(struct context *context);

/* Runs guest code with these registers until it traps; they are current again afterwards. A fault
 * that was not resolved comes again. */
void context_enter(struct context *context, struct guest_regs *regs, struct trap *ret);
/* Any thread; sticky: makes the current or the next enter return. */
void context_interrupt(struct context *context);

/* Vector state in the standard (not compacted) xsave format, xstate_size() bytes; between enters,
 * by the attached thread. Set takes hostile bytes: -EINVAL if the CPU would refuse them. */
size_t xstate_size(void);
/* The feature bits (XCR0) that the format contains, AMX never. */
uint64_t xstate_features(void);
int context_get_xstate(struct context *context, void *to);
int context_set_xstate(struct context *context, const void *from);
