/* SPDX-License-Identifier: Apache-2.0 */
/* A program with an interpreter and shared libraries. Calls: execve mmap */
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"

static int objects, libraries;

static int count(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    objects++;
    libraries += strstr(info->dlpi_name, "libc.so") != NULL;
    return 0;
}

int main(int argc, char **argv)
{
    int status;
    if (argc > 1)
        return 31;
    CHECK(dl_iterate_phdr(count, NULL) == 0 && objects >= 3); /* with the interpreter */
    CHECK(libraries == 1);
    size_t (*function)(const char *) = (size_t(*)(const char *))dlsym(RTLD_DEFAULT, "strlen");
    CHECK(function != NULL && function("five5") == 5);
    printf("loaded\n");
    pid_t pid = fork();
    if (pid == 0) {
        execl(argv[0], argv[0], "again", NULL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 31);
    printf("ran again\n");
    return 0;
}
