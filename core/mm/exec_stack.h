/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/mm/elf.h"
#include "core/mm/mm.h"

/* What the first stack says of a program that is loaded. */
struct exec_stack {
    struct mm *mm;
    const struct exec_request *request;
    const struct elf_program *elf;
    uint64_t bias;                 /* of the program */
    guest_addr_t interpreter_base; /* 0: none */
};

/* Maps the stack and fills it with arguments, environment and auxiliary vector; *sp is where the
 * program begins. -E2BIG. */
int exec_stack_build(struct exec_stack *stack, guest_addr_t *sp);
