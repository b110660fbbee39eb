/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying, zeroing and exchanging that may fault. Between host_guard_begin and host_guard_end nothing is on the
 * stack, so the signal handler only has to move the instruction pointer to host_guard_fault. Sizes
 * of 1, 2, 4 and 8 bytes are moved by one instruction each: whoever looks meanwhile sees no half.
 */
    .text

/* int host_guard_copy(void *to [rdi], const void *from [rsi], size_t size [rdx]) */
    .globl host_guard_copy
    .type host_guard_copy, @function
/* int host_guard_zero(void *to [rdi], size_t size [rsi]) */
    .globl host_guard_zero
    .type host_guard_zero, @function
/* int host_guard_exchange(uint32_t *word [rdi], expected [esi], wanted [edx], uint32_t *ret [rcx]) */
    .globl host_guard_exchange
    .type host_guard_exchange, @function
    .globl host_guard_begin, host_guard_end, host_guard_fault

host_guard_copy:
host_guard_begin:
    mov %rdx, %rcx
    cmp $128, %rdx
    ja 5f
    shr $3, %rcx
    jz 2f
1:
    mov (%rsi), %rax
    mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    dec %rcx
    jnz 1b
2:
    test $4, %dl
    jz 3f
    mov (%rsi), %eax
    mov %eax, (%rdi)
    add $4, %rsi
    add $4, %rdi
3:
    test $2, %dl
    jz 4f
    movw (%rsi), %ax
    movw %ax, (%rdi)
    add $2, %rsi
    add $2, %rdi
4:
    test $1, %dl
    jz 6f
    movb (%rsi), %al
    movb %al, (%rdi)
    jmp 6f
5:
    rep movsb
6:
    xor %eax, %eax
    ret

host_guard_zero:
    mov %rsi, %rcx
    xor %eax, %eax
    rep stosb
    ret

host_guard_exchange:
    mov %esi, %eax
    lock cmpxchg %edx, (%rdi)
    mov %eax, (%rcx)
    xor %eax, %eax
    ret
host_guard_end:

host_guard_fault:
    mov $-14, %eax /* -EFAULT */
    ret

    .size host_guard_copy, host_guard_zero - host_guard_copy
    .size host_guard_zero, host_guard_exchange - host_guard_zero
    .size host_guard_exchange, host_guard_end - host_guard_exchange
    .section .note.GNU-stack, "", @progbits
