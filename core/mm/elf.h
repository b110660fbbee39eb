/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/uio.h"

/* ELF programs: what their headers say, checked. Knows bytes only, no address space. */

enum { ELF_SEGMENTS_MAX = 64, ELF_HEADER_SIZE = 64, ELF_PHDR_SIZE = 56 };

/* A PT_LOAD, in the order of the file; addresses rise and pages do not overlap. */
struct elf_segment {
    uint64_t address; /* relative to the base; congruent to offset modulo a page */
    uint64_t offset;  /* in the file */
    uint64_t file_size;
    uint64_t memory_size; /* >= file_size; the rest is zero */
    int prot;             /* PROT_* */
};

struct elf_program {
    bool is_fixed; /* ET_EXEC: the base is 0 */
    bool has_executable_stack;
    uint64_t entry; /* relative to the base */
    struct elf_segment segments[ELF_SEGMENTS_MAX];
    size_t segment_count;
    uint64_t low, high;   /* whole pages that the segments span, relative to the base */
    uint64_t align;       /* of the base: a power of two, a page at least */
    uint64_t phdr_offset; /* in the file */
    uint64_t phdr_count;
    uint64_t phdr_address;                         /* where they are in memory; 0: nowhere */
    uint64_t interpreter_offset, interpreter_size; /* name in the file; size 0: none */
};

/* Where the program headers are: of the first bytes of a file. -ENOEXEC: no program for us. */
int elf_parse_header(const void *header, size_t size, struct elf_program *ret);
/* The headers themselves, phdr_count * ELF_PHDR_SIZE bytes; end: no address of a fixed program is
 * at or above. -ENOEXEC. */
int elf_parse_phdrs(const void *phdrs, uint64_t end, struct elf_program *program);
