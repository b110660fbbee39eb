/* SPDX-License-Identifier: Apache-2.0 */
/* A program made here byte by byte runs; damaged ones are refused. Calls: execve */
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

struct program {
    Elf64_Ehdr header;
    Elf64_Phdr segment, interp;
    char interpreter[40];
    unsigned char code[16];
};

static const unsigned char exit_42[] = {0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};

static struct program good(void)
{
    struct program program = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_entry = 0x400000 + offsetof(struct program, code),
                   .e_phoff = offsetof(struct program, segment),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segment = {.p_type = PT_LOAD,
                    .p_flags = PF_R | PF_X,
                    .p_vaddr = 0x400000,
                    .p_filesz = sizeof(struct program),
                    .p_memsz = sizeof(struct program),
                    .p_align = 0x1000},
        .interp = {.p_type = PT_NULL,
                   .p_offset = offsetof(struct program, interpreter),
                   .p_filesz = 6,
                   .p_memsz = 6},
    };
    memcpy(program.code, exit_42, sizeof(exit_42));
    return program;
}

/* Exit code of the program, 300 + signal, or 600 + errno of the exec. */
static int run(const void *bytes, size_t size)
{
    char *argv[] = {"program", NULL};
    int status, fd = open("program", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0);
    int ends[2], code = 0;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        execve("program", argv, argv + 1);
        code = errno;
        CHECK(write(ends[1], &code, sizeof(code)) == sizeof(code));
        _exit(0);
    }
    close(ends[1]);
    CHECK(waitpid(pid, &status, 0) == pid);
    ssize_t got = read(ends[0], &code, sizeof(code));
    close(ends[0]);
    if (got == sizeof(code))
        return 600 + code;
    return WIFSIGNALED(status) ? 300 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define EXPECT(change, result)                                                                     \
    do {                                                                                           \
        struct program p = good();                                                                 \
        change;                                                                                    \
        CHECK(run(&p, sizeof(p)) == (result));                                                     \
    } while (0)

/* It is refused, or killed when it is too late for that. */
#define REFUSE(change)                                                                             \
    do {                                                                                           \
        struct program p = good();                                                                 \
        change;                                                                                    \
        CHECK(run(&p, sizeof(p)) >= 300);                                                          \
    } while (0)

static void test_headers(void)
{
    struct program p = good();
    CHECK(run(&p, sizeof(p)) == 42);
    for (size_t size = 5; size < sizeof(p.header); size += 20)
        CHECK(run(&p, size) == 600 + ENOEXEC);
    EXPECT(p.header.e_ident[0] = 0, 600 + ENOEXEC);
    EXPECT(p.header.e_type = ET_REL, 600 + ENOEXEC);
    EXPECT(p.header.e_machine = 0xfff0, 600 + ENOEXEC);
    EXPECT(p.header.e_phentsize = 55, 600 + ENOEXEC);
    EXPECT(p.header.e_phnum = 0, 600 + ENOEXEC);
    EXPECT(p.header.e_phnum = 0xffff, 600 + ENOEXEC);
    EXPECT(p.header.e_phoff = 1000000, 600 + ENOEXEC);
    EXPECT(p.header.e_phoff = ~0UL - 20, 600 + ENOEXEC);
    printf("headers\n");
}

static void test_interpreter(void)
{
    EXPECT(p.interp.p_type = PT_INTERP; strcpy(p.interpreter, "/none"), 600 + ENOENT);
    EXPECT(p.interp.p_type = PT_INTERP; strcpy(p.interpreter, "/nones"), 600 + ENOEXEC);
    EXPECT(p.interp.p_type = PT_INTERP; p.interp.p_filesz = 1, 600 + ENOEXEC);
    EXPECT(p.interp.p_type = PT_INTERP; p.interp.p_filesz = 100000, 600 + ENOEXEC);
    int fd = open("text", O_WRONLY | O_CREAT, 0755);
    char text[200] = "not an interpreter";
    CHECK(write(fd, text, sizeof(text)) == sizeof(text) && close(fd) == 0);
    EXPECT(p.interp.p_type = PT_INTERP; strcpy(p.interpreter, "./text");
           p.interp.p_filesz = 7, 600 + ELIBBAD);
    printf("interpreters\n");
}

static void test_segments(void)
{
    REFUSE(p.segment.p_filesz = 10000; p.segment.p_memsz = 100);
    REFUSE(p.segment.p_vaddr = 0xffff800000000000);
    REFUSE(p.segment.p_memsz = 1UL << 60);
    REFUSE(p.segment.p_memsz = ~0UL);
    REFUSE(p.segment.p_vaddr = 0x400100; p.segment.p_offset = 0);
    REFUSE(p.header.e_entry = 0);
    REFUSE(p.header.e_entry = 0xffffffffff000000);
    REFUSE(p.segment.p_type = PT_NULL);
    printf("segments\n");
}

int main(void)
{
    test_headers();
    test_interpreter();
    test_segments();
    return 0;
}
