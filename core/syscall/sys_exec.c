/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve, execveat: the strings of a hostile caller. As in Linux one string has at most 128 KB, and
 * all of them with their pointers a quarter of the largest stack (2 MB).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/base/host.h"
#include "core/syscall/path_argument.h"
#include "core/syscall/syscall_table.h"
#include "core/task.h"
#include "vfs/inode.h"

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

static int64_t exec_with_strings(struct task *task, const char *name, guest_addr_t argv,
                                 guest_addr_t envp)
{
    char *buffer = host_alloc(STRING_MAX, 1);
    size_t budget = STRINGS_SIZE_MAX;
    char **arguments = NULL;
    char **environment = NULL;

    if (buffer == NULL)
        return -ENOMEM;
    int64_t result = copy_strings(task, argv, &budget, buffer, &arguments);
    if (result >= 0)
        result = copy_strings(task, envp, &budget, buffer, &environment);
    host_free(buffer);
    if (result >= 0)
        result = name[0] == '\0' ? -ENOENT : exec_strings(task, name, &arguments, environment);
    strings_free(arguments);
    strings_free(environment);
    return result;
}

int64_t sys_execve(struct task *task, guest_addr_t path, guest_addr_t argv, guest_addr_t envp)
{
    char name[PATH_MAX];
    int64_t result = user_copy_string(task->mm, name, path, sizeof(name));

    return result < 0 ? result : exec_with_strings(task, name, argv, envp);
}

/* --- execveat --- */

/* With AT_SYMLINK_NOFOLLOW the name must be none of a link. */
static int check_link(const struct path_argument *argument)
{
    struct path path;
    int err = path_lookup(&argument->view, path_argument_at(argument), argument->name,
                          LOOKUP_NOFOLLOW | LOOKUP_EMPTY, &path);

    if (err < 0)
        return err;
    err = S_ISLNK(inode_mode(path_inode(&path))) ? -ELOOP : 0;
    path_put(&path);
    return err;
}

/* The name as seen by way of the descriptor, as Linux gives it to scripts. */
static int name_by_fd(int fd, const char *name, char ret[PATH_MAX])
{
    int size = fd == AT_FDCWD || name[0] == '/' ? snprintf(ret, PATH_MAX, "%s", name)
                                                : snprintf(ret, PATH_MAX, "/dev/fd/%d%s%s", fd,
                                                           name[0] == '\0' ? "" : "/", name);

    return size >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int64_t sys_execveat(struct task *task, int fd, guest_addr_t path, guest_addr_t argv,
                     guest_addr_t envp, uint32_t flags)
{
    struct path_argument argument;
    char name[PATH_MAX];

    if ((flags & ~(uint32_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0)
        return -EINVAL;
    int err = path_argument_get(task, fd, path, &argument);
    if (err < 0)
        return err;
    if (argument.name[0] == '\0' && (flags & AT_EMPTY_PATH) == 0)
        err = -ENOENT;
    else if ((flags & AT_SYMLINK_NOFOLLOW) != 0)
        err = check_link(&argument);
    if (err == 0)
        err = name_by_fd(fd, argument.name, name);
    path_argument_put(&argument);
    return err < 0 ? err : exec_with_strings(task, name, argv, envp);
}
