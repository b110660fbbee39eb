/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of ELF headers. Every number in them is hostile: sums are checked before they are
 * made, and nothing is believed that was not checked. What Linux would load in spite of its own
 * errors (segments out of order, overlapping) is refused with ENOEXEC.
 */
#include "core/mm/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "platform/memfile.h"

enum { PHDRS_SIZE_MAX = 64 << 10, INTERPRETER_SIZE_MAX = 4096 };
#define ADDRESS_MAX (UINT64_C(1) << 47)
#define ALIGN_MAX (UINT64_C(1) << 30)

static uint64_t page_down(uint64_t address)
{
    return address & ~(MEM_PAGE - 1);
}

static uint64_t page_up(uint64_t address)
{
    return page_down(address + MEM_PAGE - 1);
}

int elf_parse_header(const void *header, size_t size, struct elf_program *ret)
{
    Elf64_Ehdr ehdr;

    if (size < sizeof ehdr)
        return -ENOEXEC;
    memcpy(&ehdr, header, sizeof ehdr);
    if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
        ehdr.e_ident[EI_DATA] != ELFDATA2LSB || ehdr.e_machine != EM_X86_64)
        return -ENOEXEC;
    if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
        return -ENOEXEC;
    if (ehdr.e_phentsize != sizeof(Elf64_Phdr) || ehdr.e_phnum == 0 ||
        ehdr.e_phnum > PHDRS_SIZE_MAX / sizeof(Elf64_Phdr) || ehdr.e_phoff > INT64_MAX)
        return -ENOEXEC;
    memset(ret, 0, sizeof *ret);
    ret->is_fixed = ehdr.e_type == ET_EXEC;
    ret->entry = ehdr.e_entry;
    ret->phdr_offset = ehdr.e_phoff;
    ret->phdr_count = ehdr.e_phnum;
    ret->align = MEM_PAGE;
    return 0;
}

static int segment_prot(uint32_t flags)
{
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
           (flags & PF_X ? PROT_EXEC : 0);
}

static int parse_load(const Elf64_Phdr *phdr, struct elf_program *program)
{
    struct elf_segment *last, *segment;

    if (phdr->p_memsz == 0)
        return 0;
    if (phdr->p_filesz > phdr->p_memsz || phdr->p_vaddr >= ADDRESS_MAX ||
        phdr->p_memsz > ADDRESS_MAX - phdr->p_vaddr || phdr->p_offset > INT64_MAX - ADDRESS_MAX ||
        (phdr->p_vaddr - phdr->p_offset) % MEM_PAGE != 0)
        return -ENOEXEC;
    if (phdr->p_align > MEM_PAGE) {
        if (phdr->p_align > ALIGN_MAX || (phdr->p_align & (phdr->p_align - 1)) != 0)
            return -ENOEXEC;
        if (phdr->p_align > program->align)
            program->align = phdr->p_align;
    }
    if (program->segment_count == ELF_SEGMENTS_MAX)
        return -ENOEXEC;
    last = program->segment_count > 0 ? &program->segments[program->segment_count - 1] : NULL;
    if (last && page_down(phdr->p_vaddr) < page_up(last->address + last->memory_size))
        return -ENOEXEC;
    segment = &program->segments[program->segment_count++];
    segment->address = phdr->p_vaddr;
    segment->offset = phdr->p_offset;
    segment->file_size = phdr->p_filesz;
    segment->memory_size = phdr->p_memsz;
    segment->prot = segment_prot(phdr->p_flags);
    return 0;
}

static int parse_interpreter(const Elf64_Phdr *phdr, struct elf_program *program)
{
    if (program->interpreter_size > 0)
        return 0; /* the first one counts */
    if (phdr->p_filesz < 2 || phdr->p_filesz > INTERPRETER_SIZE_MAX || phdr->p_offset > INT64_MAX)
        return -ENOEXEC;
    program->interpreter_offset = phdr->p_offset;
    program->interpreter_size = phdr->p_filesz;
    return 0;
}

static int parse_phdr(const Elf64_Phdr *phdr, struct elf_program *program)
{
    switch (phdr->p_type) {
    case PT_LOAD:
        return parse_load(phdr, program);
    case PT_INTERP:
        return parse_interpreter(phdr, program);
    case PT_GNU_STACK:
        program->has_executable_stack = phdr->p_flags & PF_X;
        return 0;
    default:
        return 0;
    }
}

/* Where the program headers are in memory. */
static void find_phdrs(struct elf_program *program)
{
    uint64_t size = program->phdr_count * sizeof(Elf64_Phdr);

    for (size_t i = 0; i < program->segment_count; i++) {
        const struct elf_segment *segment = &program->segments[i];

        if (program->phdr_offset < segment->offset || segment->file_size < size ||
            program->phdr_offset - segment->offset > segment->file_size - size)
            continue;
        program->phdr_address = segment->address + (program->phdr_offset - segment->offset);
        return;
    }
}

int elf_parse_phdrs(const void *phdrs, uint64_t end, struct elf_program *program)
{
    const struct elf_segment *last;

    for (uint64_t i = 0; i < program->phdr_count; i++) {
        Elf64_Phdr phdr;
        int err;

        memcpy(&phdr, (const char *)phdrs + i * sizeof phdr, sizeof phdr);
        err = parse_phdr(&phdr, program);
        if (err < 0)
            return err;
    }
    if (program->segment_count == 0)
        return -ENOEXEC;
    last = &program->segments[program->segment_count - 1];
    program->low = page_down(program->segments[0].address);
    program->high = page_up(last->address + last->memory_size);
    if (program->high - program->low >= end || (program->is_fixed && program->high > end))
        return -ENOEXEC;
    find_phdrs(program);
    return 0;
}
