/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that begin with #!. Calls: execve */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

static char *self;

static void make(const char *name, const char *interpreter, const char *rest)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(fd >= 0 && dprintf(fd, "#!%s%s", interpreter, rest) > 0 && close(fd) == 0);
}

static void run(const char *path)
{
    char *argv[] = {"zeroth", "first", "second", NULL}, *envp[] = {"UNDER_TEST=1", NULL};
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execve(path, argv, envp);
        printf("errno %d\n", errno);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    printf("%s: exit code %d\n", path, WEXITSTATUS(status));
}

/* As the interpreter: all arguments but our own path, which differs from place to place. */
static int print(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("    [%s]\n", argv[i]);
    return argc;
}

static void test_forms(void)
{
    make("simple", self, "\n");
    run("./simple");
    make("spaces", " \t", self);
    run("./spaces"); /* no newline at the end either */
    make("one-argument", self, " -o  and the rest \n");
    run("./one-argument");
    make("nested", "./one-argument", "\n");
    run("./nested");
    printf("forms\n");
}

static void test_errors(void)
{
    char *argv[] = {"x", NULL}, long_line[512];
    make("none", "/no/such/interpreter", "\n");
    CHECK_ERRNO(execve("none", argv, argv + 1), ENOENT);
    make("nothing", "", "\n");
    CHECK_ERRNO(execve("nothing", argv, argv + 1), ENOEXEC);
    make("blank", "   ", "\n");
    CHECK_ERRNO(execve("blank", argv, argv + 1), ENOEXEC);
    make("itself", "./itself", "\n");
    CHECK_ERRNO(execve("itself", argv, argv + 1), ELOOP);
    make("directory", "/", "\n");
    CHECK_ERRNO(execve("directory", argv, argv + 1), EACCES);
    memset(long_line, 'l', sizeof(long_line));
    long_line[511] = 0;
    make("long", "/", long_line);
    CHECK_ERRNO(execve("long", argv, argv + 1), ENOEXEC); /* the path does not end in 256 bytes */
    make("mode", self, "\n");
    CHECK(chmod("mode", 0644) == 0);
    CHECK_ERRNO(execve("mode", argv, argv + 1), EACCES);
    printf("errors\n");
}

int main(int argc, char **argv)
{
    if (getenv("UNDER_TEST"))
        return print(argc, argv);
    CHECK(symlink(argv[0], "interpreter") == 0); /* a short path */
    self = "./interpreter";
    test_forms();
    test_errors();
    return 0;
}
