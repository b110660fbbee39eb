/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve: the strings of a hostile caller. As in Linux one string has at most 128 KB, and all of
 * them with their pointers a quarter of the largest stack (2 MB).
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/base/host.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"

enum { STRING_MAX = 128 << 10, STRINGS_SIZE_MAX = 2 << 20, STRINGS_MAX = STRINGS_SIZE_MAX / 8 };

/* One string of argv or envp: its copy. budget counts bytes down. */
static int copy_string(struct task *task, guest_addr_t from, size_t *budget, char *buffer,
                       char **ret)
{
    int size = user_copy_string(task->mm, buffer, from, STRING_MAX);

    if (size == -ENAMETOOLONG)
        return -E2BIG;
    if (size < 0)
        return size;
    if ((size_t)size + 9 > *budget)
        return -E2BIG;
    *budget -= (size_t)size + 9;
    *ret = host_strdup(buffer);
    return *ret == NULL ? -ENOMEM : 0;
}

static int grow(char ***strings, size_t count, size_t *capacity)
{
    if (count + 1 < *capacity)
        return 0;
    size_t larger = *capacity * 2 + 64;
    char **grown = host_alloc(larger, sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    if (count > 0)
        memcpy(grown, *strings, count * sizeof(*grown));
    host_free(*strings);
    *strings = grown;
    *capacity = larger;
    return 0;
}

static int copy_strings(struct task *task, guest_addr_t from, size_t *budget, char *buffer,
                        char ***ret)
{
    char **strings = NULL;
    size_t capacity = 0;
    guest_addr_t at = 0;
    int err = grow(&strings, 0, &capacity);

    for (size_t count = 0; err == 0; count++) {
        at = 0;
        if (from != 0)
            err = user_copy_in(task->mm, &at, from + count * sizeof(at), sizeof(at));
        if (err < 0 || at == 0)
            break;
        err = count < STRINGS_MAX ? grow(&strings, count, &capacity) : -E2BIG;
        if (err == 0)
            err = copy_string(task, at, budget, buffer, &strings[count]);
    }
    if (err < 0) {
        strings_free(strings);
        return err;
    }
    *ret = strings;
    return 0;
}

static int64_t exec_strings(struct task *task, const char *path, char ***argv, char **envp)
{
    if ((*argv)[0] == NULL) { /* Linux gives such a program one empty argument */
        (*argv)[0] = host_strdup("");
        if ((*argv)[0] == NULL)
            return -ENOMEM;
    }
    int err = task_exec(task, path, *argv, envp);
    return err < 0 ? err : CALL_KEEPS_REGS;
}

int64_t sys_execve(struct task *task, guest_addr_t path, guest_addr_t argv, guest_addr_t envp)
{
    char *buffer = host_alloc(STRING_MAX, 1);
    char name[PATH_MAX];
    size_t budget = STRINGS_SIZE_MAX;
    char **arguments = NULL;
    char **environment = NULL;

    if (buffer == NULL)
        return -ENOMEM;
    int64_t result = user_copy_string(task->mm, name, path, sizeof(name));
    if (result >= 0)
        result = copy_strings(task, argv, &budget, buffer, &arguments);
    if (result >= 0)
        result = copy_strings(task, envp, &budget, buffer, &environment);
    host_free(buffer);
    if (result >= 0)
        result = name[0] == '\0' ? -ENOENT : exec_strings(task, name, &arguments, environment);
    strings_free(arguments);
    strings_free(environment);
    return result;
}
