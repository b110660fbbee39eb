/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guests of the platform tests execute: position-independent snippets in one page, data to
 * the test itself. Each ends in a system call or a trap; a test sets all registers.
 */
    .section .rodata
    .globl guest_text, guest_text_end
guest_text:

.macro snippet name
    .globl guest_\name
guest_\name:
.endm

snippet syscall
    syscall
    hlt
snippet int80
    int $0x80
    hlt
snippet load
    movq (%rdi), %rax
    syscall
snippet store
    movq %rax, (%rdi)
    syscall
snippet jump
    jmp *%rbx
snippet call /* as libraries called the vsyscall page */
    call *%rbx
    syscall
snippet spin
    incq %rax
    jmp guest_spin
snippet count /* counts at rdi until the word at rsi is not 0 */
    incq (%rdi)
    cmpl $0, (%rsi)
    je guest_count
    syscall
snippet int3
    int3
    syscall
snippet trap_flag
    pushfq
    orq $0x100, (%rsp)
    popfq
    nop
    syscall
snippet divide
    xorl %ecx, %ecx
    divl %ecx
    syscall
snippet illegal
    ud2
    syscall
snippet halt
    hlt
    syscall
snippet non_canonical_load
    movabsq $0x1234567890abcdef, %rdi
    movq (%rdi), %rax
    syscall
snippet non_canonical_push
    movabsq $0x1234567890abcdef, %rsp
    pushq %rax
    syscall
snippet stack_kept /* changes rsp only, for a while */
    movq %rsp, %rdi
    movabsq $0x1234567890abcdef, %rsp
    movq $7, %rax
    syscall
snippet flags /* asks for all flags that a guest can have */
    pushq %rax
    popfq
    syscall
snippet bases
    wrfsbase %rdi
    wrgsbase %rsi
    syscall
    movq %fs:0, %rax
    movq %gs:0, %rdx
    syscall
snippet xmm
    movq %rdi, %xmm3
    syscall
    movq %xmm3, %rdi
    syscall
snippet touch /* stores rax to rdx pages from rdi on */
    movq %rax, (%rdi)
    addq $4096, %rdi
    decq %rdx
    jnz guest_touch
    syscall
snippet watch /* the word at rdi is r8 or r9 until the word at rsi is not 0; rounds at rsi + 8 */
    movq (%rdi), %rax
    cmpq %rax, %r8
    je 1f
    cmpq %rax, %r9
    jne 2f
1:
    incq 8(%rsi)
    cmpl $0, (%rsi)
    je guest_watch
    xorl %eax, %eax
    syscall
2:
    movl $1, %eax
    syscall
snippet compat /* to 32-bit code, which makes a call */
    leaq 1f(%rip), %rbx
    pushq $0x23
    pushq %rbx
    lretq
1:
    .byte 0xcd, 0x80 /* int $0x80 */
    hlt
guest_text_end:
    .section .note.GNU-stack, "", @progbits
