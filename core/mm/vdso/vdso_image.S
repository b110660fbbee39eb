/* SPDX-License-Identifier: Apache-2.0 */
/* The linked vDSO as bytes of the kernel. */
    .section .rodata
    .balign 16
    .globl vdso_image_start, vdso_image_end
vdso_image_start:
    .incbin VDSO_FILE
vdso_image_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
