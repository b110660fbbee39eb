/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All code that runs in a stub process, inside the ELF file that the template is made from. It is
 * data to the sandbox process.
 *
 * The mm thread has no stack and no writable memory: app threads share its address space, so it
 * keeps all in registers and answers from constants only. Nothing it does can be changed by a guest.
 *   rbx  the COMMAND page            r14  sequence number of the last command
 *   r15  our slot in the control file  r13  index of the call   r12  its cookie
 * Subroutines return through rbp.
 */
#include <asm/unistd.h>

#include "platform/stub/layout.h"

#define AT(label) (label - stub_text + STUB_TEXT)
#define LINKED(label) (label - stub_text + STUB_IMAGE_LINK)

#define PROT_RX 5
#define PROT_RW 3
#define PROT_R 1
#define FIXED_PRIVATE 0x12
#define FIXED_SHARED 0x11
#define MADV_DONTFORK 10
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define PR_SET_PDEATHSIG 1
#define PR_SET_NO_NEW_PRIVS 38
#define SIGKILL 9
#define SIG_SETMASK 2
#define SECCOMP_SET_MODE_FILTER 1
#define NR_MSEAL 462 /* Linux 6.10; before it the filter alone guards the text */
#define ESRCH 3

.macro sys nr
    movl $\nr, %eax
    syscall
.endm

/* The offset is in r9. */
.macro map address, size, prot, flags, fd
    movabsq $\address, %rdi
    movl $\size, %esi
    movl $\prot, %edx
    movl $\flags, %r10d
    movl $\fd, %r8d
    sys __NR_mmap
    testq %rax, %rax
    js die
.endm

    .section .rodata
    .globl stub_image, stub_image_end, stub_text
stub_image:
    .byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
    .short 2, 62 /* ET_EXEC, EM_X86_64 */
    .long 1
    .quad LINKED(start), 64, 0
    .long 0
    .short 64, 56, 2, 64, 0, 0
    .long 1, 5 /* PT_LOAD, R-X */
    .quad STUB_IMAGE_TEXT, STUB_IMAGE_LINK, STUB_IMAGE_LINK
    .quad stub_image_end - stub_text, stub_image_end - stub_text, 4096
    .long 0x6474e551, 6 /* PT_GNU_STACK, RW- */
    .quad 0, 0, 0, 0, 0, 16
    .zero STUB_IMAGE_TEXT - (. - stub_image)

stub_text:
    syscall /* a context is tried out here */
    hlt

start: /* fresh from exec, at the link address; the exec stack is not used and may lie here */
    movabsq $STUB_BASE, %rdi
    movabsq $(STUB_TASK_END - STUB_BASE), %rsi
    sys __NR_munmap
    movl $STUB_IMAGE_TEXT, %r9d
    map STUB_TEXT, STUB_TEXT_SIZE, PROT_RX, FIXED_PRIVATE, STUB_FD_IMAGE
    movabsq $AT(high), %rax
    jmp *%rax
high: /* everything else goes: the exec'd image, vDSO, vvar, stack */
    xorl %edi, %edi
    movabsq $STUB_BASE, %rsi
    sys __NR_munmap
    movl $CONTROL_CONFIG, %r9d
    map STUB_CONFIG, STUB_CONFIG_SIZE, PROT_R, FIXED_SHARED, STUB_FD_CONTROL
    movl $CONTROL_BOX, %r9d
    map STUB_BOX, STUB_BOX_SIZE, PROT_RW, FIXED_SHARED, STUB_FD_CONTROL
    movabsq $STUB_BOX, %rdi /* no stub with a guest may have it */
    movl $STUB_BOX_SIZE, %esi
    movl $MADV_DONTFORK, %edx
    sys __NR_madvise
    testq %rax, %rax
    js die
    movl $CONTROL_SLOTS, %r15d
    leaq 1f(%rip), %rbp
    jmp slot_map
1:
    movl $STUB_FD_IMAGE, %edi
    movl $-1, %esi
    xorl %edx, %edx
    sys __NR_close_range
    testq %rax, %rax
    js die
    movl $SIG_SETMASK, %edi /* app threads inherit it: their tracer opens it */
    leaq all_signals(%rip), %rsi
    xorl %edx, %edx
    movl $8, %r10d
    sys __NR_rt_sigprocmask
    movl $PR_SET_NO_NEW_PRIVS, %edi
    movl $1, %esi
    xorl %edx, %edx
    xorl %r10d, %r10d
    xorl %r8d, %r8d
    sys __NR_prctl
    movabsq $STUB_TEXT, %rdi
    movl $STUB_TEXT_SIZE, %esi
    xorl %edx, %edx
    sys NR_MSEAL
    movl $SECCOMP_SET_MODE_FILTER, %edi
    xorl %esi, %esi
    movabsq $(STUB_CONFIG + CONFIG_MM_FILTER), %rdx
    sys __NR_seccomp
    testq %rax, %rax
    js die

mm_wait:
    movl (%rbx), %eax
    cmpl %r14d, %eax
    jne mm_command
    movq %rbx, %rdi
    movl $FUTEX_WAIT, %esi
    movl %r14d, %edx
    xorl %r10d, %r10d
    sys __NR_futex
    jmp mm_wait
mm_command:
    movl %eax, %r14d
    xorl %r13d, %r13d
mm_next:
    cmpl 4(%rbx), %r13d
    jae mm_answer
    movl %r13d, %ebp
    shll $6, %ebp
    leaq 64(%rbx, %rbp), %rbp
    movq (%rbp), %rax
    movq 8(%rbp), %rdi
    movq 16(%rbp), %rsi
    movq 24(%rbp), %rdx
    movq 32(%rbp), %r10
    movq 40(%rbp), %r8
    movq 48(%rbp), %r9
    movq 56(%rbp), %r12
    syscall
    testq %r12, %r12
    jnz 1f
    cmpq $-4095, %rax
    jae mm_value
    incl %r13d
    jmp mm_next
1: /* with a cookie: the value is asked for, and is 0 in the child of a clone */
    testq %rax, %rax
    jz child
    incl %r13d
mm_value: /* calls done in one byte at ANSWER + 4, the value in four at + 8 */
    movl %eax, %r12d
    movzbl %r13b, %eax
    leaq 4(%r15), %r10
    leaq 1f(%rip), %rbp
    jmp say_byte
1:
    leaq 8(%r15), %r10
    leaq 2f(%rip), %rbp
2:
    testb $4, %r10b
    jnz mm_answer
    movzbl %r12b, %eax
    shrl $8, %r12d
    jmp say_byte
mm_answer: /* the sequence number of the command, which is read-only here, is copied */
    movl $STUB_FD_CONTROL, %edi
    movq %rbx, %rsi
    movl $4, %edx
    leaq SLOT_ANSWER(%r15), %r10
    sys __NR_pwrite64
    leaq (STUB_ANSWER - STUB_COMMAND)(%rbx), %rdi
    movl $FUTEX_WAKE, %esi
    movl $1, %edx
    sys __NR_futex
    jmp mm_wait

say_byte: /* byte eax to ANSWER + r10 - r15; r10 moves on; returns to rbp */
    leaq bytes(%rip), %rsi
    addq %rax, %rsi
    movl $STUB_FD_CONTROL, %edi
    movl $1, %edx
    addq $SLOT_ANSWER, %r10
    sys __NR_pwrite64
    subq $(SLOT_ANSWER - 1), %r10
    jmp *%rbp

slot_map: /* maps the slot at r15, ties our life to the sandbox process; returns to rbp */
    movq %r15, %r9
    map STUB_COMMAND, SLOT_MAP_SIZE, PROT_R, FIXED_SHARED, STUB_FD_CONTROL
    movl $PR_SET_PDEATHSIG, %edi /* a fork does not inherit it */
    movl $SIGKILL, %esi
    sys __NR_prctl
    sys __NR_getppid
    movabsq $(STUB_CONFIG + CONFIG_PARENT), %rdx
    cmpl (%rdx), %eax
    movl $-ESRCH, %eax
    jne die /* the sandbox process died before the prctl */
    movabsq $STUB_COMMAND, %rbx
    xorl %r14d, %r14d
    jmp *%rbp

die: /* the exit status is the errno */
    negl %eax
    movl %eax, %edi
    sys __NR_exit_group

child:
    cmpq $CONTROL_SLOTS, %r12
    jb app_start
    movq %r12, %r15 /* a forked stub */
    leaq mm_wait(%rip), %rbp
    jmp slot_map

app_start: /* the stricter filter first; then wait, and stop where the tracer expects it */
    decl %r12d
    shll $6, %r12d
    movabsq $STUB_THREADS, %rbp
    addq %r12, %rbp
    movl $SECCOMP_SET_MODE_FILTER, %edi
    xorl %esi, %esi
    movabsq $(STUB_CONFIG + CONFIG_APP_FILTER), %rdx
    sys __NR_seccomp
    testq %rax, %rax
    js die
app_wait:
    cmpl $0, (%rbp)
    jne app_go
    movq %rbp, %rdi
    movl $FUTEX_WAIT, %esi
    xorl %edx, %edx
    xorl %r10d, %r10d
    sys __NR_futex
    jmp app_wait
app_go:
    int3
    jmp app_wait

    .balign 8
all_signals:
    .quad -1
bytes:
    .set value, 0
    .rept 256
    .byte value
    .set value, value + 1
    .endr
stub_image_end:
    .section .note.GNU-stack, "", @progbits
