/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells a new program on its stack. Calls: execve */
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "check.h"

extern char **environ;
extern char _start[];

int main(int argc, char **argv)
{
    char *top = (char *)argv;
    CHECK(argc == 1 && (uintptr_t)top % 8 == 0);
    CHECK(argv[argc] == NULL && environ == argv + argc + 1);
    printf("argv and environ\n");

    CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_PHENT) == sizeof(ElfW(Phdr)));
    CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
    CHECK(getauxval(AT_GID) == getgid() && getauxval(AT_SECURE) == 0);
    CHECK(getauxval(AT_CLKTCK) == 100 && getauxval(AT_HWCAP) != 0);
    CHECK(strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
    CHECK(strcmp((char *)getauxval(AT_EXECFN), argv[0]) == 0);
    const unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
    int zeros = 0;
    for (int i = 0; i < 16; i++)
        zeros += random[i] == 0;
    CHECK(zeros < 8);
    printf("values\n");

    const ElfW(Phdr) *segments = (ElfW(Phdr) *)getauxval(AT_PHDR);
    CHECK(getauxval(AT_PHNUM) > 0 && (char *)getauxval(AT_ENTRY) == _start);
    int loads = 0;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        loads += segments[i].p_type == PT_LOAD;
    CHECK(loads > 0);
    printf("program headers\n");

    const ElfW(Ehdr) *vdso = (ElfW(Ehdr) *)getauxval(AT_SYSINFO_EHDR);
    CHECK(vdso != NULL && memcmp(vdso->e_ident, ELFMAG, SELFMAG) == 0);
    CHECK(vdso->e_type == ET_DYN && vdso->e_machine == EM_X86_64);
    printf("vDSO\n");
    return 0;
}
