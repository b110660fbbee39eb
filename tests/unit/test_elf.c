/* SPDX-License-Identifier: Apache-2.0 */
/* ELF headers: good ones are understood, damaged ones refused or harmless, none crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "core/mm/elf.h"

#define END (UINT64_C(1) << 47)

enum { PHDRS = 6, MUTATIONS = 40000 };

/* What a linker makes: headers, text, data with bss, an interpreter. */
struct sample {
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdrs[PHDRS];
};

static struct sample good(void)
{
    struct sample sample = {
        .ehdr = {.e_type = ET_DYN,
                 .e_machine = EM_X86_64,
                 .e_version = EV_CURRENT,
                 .e_entry = 0x1040,
                 .e_phoff = sizeof(Elf64_Ehdr),
                 .e_ehsize = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = PHDRS},
        .phdrs = {{PT_PHDR, PF_R, 64, 64, 64, sizeof sample.phdrs, sizeof sample.phdrs, 8},
                  {PT_INTERP, PF_R, 0x318, 0x318, 0x318, 28, 28, 1},
                  {PT_LOAD, PF_R, 0, 0, 0, 0x628, 0x628, 0x1000},
                  {PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x1000, 0x161, 0x161, 0x1000},
                  {PT_LOAD, PF_R | PF_W, 0x2de0, 0x3de0, 0x3de0, 0x258, 0x2a60, 0x1000},
                  {PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16}},
    };

    memcpy(sample.ehdr.e_ident, ELFMAG, SELFMAG);
    sample.ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    sample.ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    sample.ehdr.e_ident[EI_VERSION] = EV_CURRENT;
    return sample;
}

static int parse(const struct sample *sample, struct elf_program *program)
{
    Elf64_Phdr phdrs[PHDRS];
    int err = elf_parse_header(&sample->ehdr, sizeof sample->ehdr, program);

    if (err < 0 || program->phdr_count > PHDRS)
        return err < 0 ? err : -ENOEXEC;
    memcpy(phdrs, sample->phdrs, sizeof phdrs);
    return elf_parse_phdrs(phdrs, END, program);
}

static void test_good(void **state)
{
    struct sample sample = good();
    struct elf_program program;

    (void)state;
    assert_int_equal(parse(&sample, &program), 0);
    assert_false(program.is_fixed);
    assert_false(program.has_executable_stack);
    assert_int_equal(program.entry, 0x1040);
    assert_int_equal(program.segment_count, 3);
    assert_int_equal(program.low, 0);
    assert_int_equal(program.high, 0x7000);
    assert_int_equal(program.phdr_address, 64);
    assert_int_equal(program.interpreter_offset, 0x318);
    assert_int_equal(program.interpreter_size, 28);
    assert_int_equal(program.segments[1].prot, PROT_READ | PROT_EXEC);
    assert_int_equal(program.segments[2].address, 0x3de0);
    assert_int_equal(program.segments[2].file_size, 0x258);
    assert_int_equal(program.segments[2].memory_size, 0x2a60);
}

static void test_stack_and_alignment(void **state)
{
    struct sample sample = good();
    struct elf_program program;

    (void)state;
    sample.phdrs[5].p_flags |= PF_X;
    sample.phdrs[3].p_align = 0x200000;
    assert_int_equal(parse(&sample, &program), 0);
    assert_true(program.has_executable_stack);
    assert_int_equal(program.align, 0x200000);
}

/* Each change alone makes the file none of ours. */
static void test_refused(void **state)
{
    const uint64_t huge = UINT64_MAX;
    struct elf_program program;
    struct sample s;

    (void)state;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        s = good();                                                                                \
        change;                                                                                    \
        assert_int_equal(parse(&s, &program), -ENOEXEC);                                           \
    } while (0)
    REFUSED(s.ehdr.e_ident[0] = 0);
    REFUSED(s.ehdr.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSED(s.ehdr.e_ident[EI_DATA] = ELFDATA2MSB);
    REFUSED(s.ehdr.e_machine = EM_386);
    REFUSED(s.ehdr.e_type = ET_REL);
    REFUSED(s.ehdr.e_type = ET_CORE);
    REFUSED(s.ehdr.e_phnum = 0);
    REFUSED(s.ehdr.e_phnum = UINT16_MAX);
    REFUSED(s.ehdr.e_phentsize = 32);
    REFUSED(s.ehdr.e_phoff = huge);
    REFUSED(s.phdrs[1].p_filesz = 1);
    REFUSED(s.phdrs[1].p_filesz = 4097);
    REFUSED(s.phdrs[1].p_offset = huge);
    REFUSED(s.phdrs[3].p_filesz = 0x162);
    REFUSED(s.phdrs[3].p_vaddr = huge);
    REFUSED(s.phdrs[3].p_vaddr = 0x1001);
    REFUSED(s.phdrs[3].p_vaddr = 0);
    REFUSED(s.phdrs[3].p_memsz = huge);
    REFUSED(s.phdrs[3].p_memsz = huge - 0x1000);
    REFUSED(s.phdrs[3].p_memsz = 0x3000);
    REFUSED(s.phdrs[4].p_memsz = END);
    REFUSED(s.phdrs[3].p_offset = huge & ~UINT64_C(0xfff));
    REFUSED(s.phdrs[3].p_align = 0x3000);
    REFUSED(s.phdrs[3].p_align = UINT64_C(1) << 40);
    REFUSED(for (int i = 0; i < PHDRS; i++) s.phdrs[i].p_type = PT_NOTE);
#undef REFUSED
    assert_int_equal(elf_parse_header("\177ELF", 4, &program), -ENOEXEC);
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Whatever is accepted keeps its promises. */
static void check(const struct elf_program *program)
{
    uint64_t last = 0;

    assert_true(program->segment_count > 0 && program->segment_count <= ELF_SEGMENTS_MAX);
    assert_true((program->align & (program->align - 1)) == 0 && program->align >= 4096);
    for (size_t i = 0; i < program->segment_count; i++) {
        const struct elf_segment *segment = &program->segments[i];

        assert_true(segment->file_size <= segment->memory_size && segment->memory_size > 0);
        assert_true((segment->address - segment->offset) % 4096 == 0);
        assert_true((segment->address & ~UINT64_C(4095)) >= last);
        last = (segment->address + segment->memory_size + 4095) & ~UINT64_C(4095);
        assert_true(last > segment->address && segment->address >= program->low);
    }
    assert_int_equal(last, program->high);
    assert_true(program->high - program->low < END);
}

static void test_mutations(void **state)
{
    static const uint64_t edges[] = {0,          1,          0xfff,     0x1000,
                                     0x7fffffff, UINT32_MAX, INT64_MAX, UINT64_MAX};
    uint64_t seed = 88172645463325252;
    struct elf_program program;
    unsigned accepted = 0;

    (void)state;
    for (int i = 0; i < MUTATIONS; i++) {
        struct sample sample = good();

        for (uint64_t n = next(&seed) % 3 + 1; n > 0; n--) {
            size_t at = next(&seed) % sizeof sample;

            if (next(&seed) % 2)
                ((uint8_t *)&sample)[at] = (uint8_t)next(&seed);
            else
                memcpy((uint8_t *)&sample + (at & ~UINT64_C(7)), &edges[next(&seed) % 8], 8);
        }
        if (parse(&sample, &program) == 0) {
            accepted++;
            check(&program);
        }
    }
    assert_true(accepted > MUTATIONS / 20 && accepted < MUTATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_stack_and_alignment),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
