/* SPDX-License-Identifier: Apache-2.0 */
/* Running a program: its arguments, and what is refused. Calls: execve */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

extern char **environ;
static char *self;

static int run(const char *path, char **argv, char **envp)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execve(path, argv, envp);
        _exit(200);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* In the new program. */
static int print(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("argument %d: '%s'\n", i, argv[i]);
    for (char **variable = environ; *variable; variable++)
        printf("environment: %s\n", *variable);
    CHECK(argv[argc] == NULL);
    return 10 + argc;
}

static void test_arguments(void)
{
    char *argv[] = {self, "print", "two words", "", "*?", NULL},
         *envp[] = {"A=1", "B=", "=x", NULL};
    printf("exits with %d\n", run(self, argv, envp));
    printf("exits with %d\n", run("/proc/self/exe", argv, envp + 3));
    int fd = open(".", O_RDONLY);
    CHECK(fd >= 0 && symlink(self, "link") == 0);
    argv[2] = NULL;
    printf("exits with %d\n", run("link", argv, envp + 3));
    char *odd[] = {"not the path", "print", NULL};
    printf("exits with %d\n", run("./link", odd, envp + 3));
    close(fd);
}

static void test_large(void)
{
    static char text[131072];
    char *argv[] = {self, "length", text, NULL}, *envp[] = {NULL};
    memset(text, 'x', sizeof(text) - 1);
    CHECK(run(self, argv, envp) == 23); /* the longest argument there may be */
    static char longer[131073];
    memset(longer, 'x', sizeof(longer) - 1);
    argv[2] = longer;
    CHECK_ERRNO(execve(self, argv, envp), E2BIG);
    static char *many[200];
    for (int i = 0; i < 199; i++)
        many[i] = text;
    CHECK_ERRNO(execve(self, many, envp), E2BIG);
    CHECK_ERRNO(execve(self, envp, many), E2BIG);
    printf("large\n");
}

static void make(const char *name, const char *text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void test_errors(void)
{
    char *argv[] = {"x", NULL};
    make("plain", "echo hello\n", 0755);
    make("closed", "\177ELF", 0644);
    make("empty", "", 0755);
    make("magic", "\177ELF", 0755);
    CHECK(mkdir("dir", 0755) == 0 && symlink("loop", "loop") == 0);
    CHECK_ERRNO(execve("plain", argv, argv + 1), ENOEXEC);
    CHECK_ERRNO(execve("empty", argv, argv + 1), ENOEXEC);
    CHECK_ERRNO(execve("magic", argv, argv + 1), ENOEXEC);
    CHECK_ERRNO(execve("closed", argv, argv + 1), EACCES);
    CHECK_ERRNO(execve("dir", argv, argv + 1), EACCES);
    CHECK_ERRNO(execve("/dev/null", argv, argv + 1), EACCES);
    CHECK_ERRNO(execve("none", argv, argv + 1), ENOENT);
    CHECK_ERRNO(execve("", argv, argv + 1), ENOENT);
    CHECK_ERRNO(execve("plain/x", argv, argv + 1), ENOTDIR);
    CHECK_ERRNO(execve("loop", argv, argv + 1), ELOOP);
    CHECK_ERRNO(syscall(SYS_execve, 8, argv, argv + 1), EFAULT);
    CHECK_ERRNO(syscall(SYS_execve, self, 8, argv + 1), EFAULT);
    CHECK_ERRNO(syscall(SYS_execve, self, argv, 8), EFAULT);
    char *bad[] = {"x", (char *)8, NULL};
    CHECK_ERRNO(execve(self, bad, argv + 1), EFAULT);
    CHECK(self[0] != 0); /* all of them left us as we were */
    printf("errors\n");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "print") == 0)
        return print(argc, argv);
    if (argc > 1 && strcmp(argv[1], "length") == 0)
        return strlen(argv[2]) == 131071 ? 23 : 1;
    self = argv[0];
    test_arguments();
    test_large();
    test_errors();
    return 0;
}
