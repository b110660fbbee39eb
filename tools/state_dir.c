/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of sandboxes. The lock on NAME.lock is the truth: who holds it owns the name; a sandbox
 * inherits it from the tool that started it and never lets go. A lock file may be removed only by
 * who holds its lock, and who gets a lock must look whether the file still has its name.
 */
#include "tools/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char lock_suffix[] = ".lock";

/* How often and how long a name that is in use is looked at again: it may be just another tool that
 * looks whether its sandbox is dead. */
enum { RESERVE_TRIES = 5, RESERVE_PAUSE_US = 2000 };

void state_dir_socket_name(const char *name, char ret[STATE_FILE_SIZE])
{
    (void)snprintf(ret, STATE_FILE_SIZE, "%.*s.sock", CONTROL_NAME_MAX, name);
}

static void make_lock_name(const char *name, char ret[STATE_FILE_SIZE])
{
    (void)snprintf(ret, STATE_FILE_SIZE, "%.*s%s", CONTROL_NAME_MAX, name, lock_suffix);
}

/* --- the directory --- */

static int find_root(const char *root, char ret[PATH_MAX])
{
    const char *variable = getenv("SBX_ROOT");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int size;

    if (root != NULL)
        size = snprintf(ret, PATH_MAX, "%s", root);
    else if (variable != NULL && variable[0] != '\0')
        size = snprintf(ret, PATH_MAX, "%s", variable);
    else if (geteuid() == 0)
        size = snprintf(ret, PATH_MAX, "/run/sbx");
    else if (runtime != NULL && runtime[0] == '/')
        size = snprintf(ret, PATH_MAX, "%s/sbx", runtime);
    else
        size = snprintf(ret, PATH_MAX, "/tmp/sbx-%u", (unsigned)geteuid());
    return size > 0 && size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int open_root(const char *path)
{
    struct stat stat;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &stat) < 0 ? -errno : 0;
    if (err == 0 && (stat.st_uid != geteuid() || (stat.st_mode & 077) != 0))
        err = -EACCES;
    if (err == 0)
        return fd;
    (void)close(fd);
    return err;
}

int state_dir_open(const char *root, struct report *report, int *ret)
{
    char path[PATH_MAX];
    int err = find_root(root, path);
    int fd = err < 0 ? err : open_root(path);

    if (fd == -EACCES)
        report_bad(report, "%.200s: not our directory, or open to others", path);
    else if (fd < 0)
        report_bad(report, "%.200s: %s", path, strerror(-fd));
    if (fd < 0)
        return fd;
    *ret = fd;
    return 0;
}

/* --- locks --- */

static bool has_name(int fd, int dir, const char *name)
{
    struct stat open_file, named;

    return fstat(fd, &open_file) == 0 && fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/* Opens and locks NAME.lock; flags may have O_CREAT. -EEXIST: somebody holds it; -ENOENT. */
static int lock_name(int dir, const char *lock_file, int flags)
{
    for (;;) {
        int fd = openat(dir, lock_file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
        if (fd < 0)
            return -errno;
        int err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
        if (err == 0 && has_name(fd, dir, lock_file))
            return fd;
        (void)close(fd);
        if (err < 0)
            return err == -EWOULDBLOCK ? -EEXIST : err;
    }
}

static void remove_socket(int dir, const char *name)
{
    char file[STATE_FILE_SIZE];

    state_dir_socket_name(name, file);
    (void)unlinkat(dir, file, 0);
}

int state_dir_reserve(int dir, const char *name, int *ret_lock)
{
    char file[STATE_FILE_SIZE];

    make_lock_name(name, file);
    int fd = lock_name(dir, file, O_CREAT);
    for (int i = 1; fd == -EEXIST && i < RESERVE_TRIES; i++) {
        (void)usleep(RESERVE_PAUSE_US);
        fd = lock_name(dir, file, O_CREAT);
    }
    if (fd < 0)
        return fd;
    remove_socket(dir, name);
    if (ftruncate(fd, 0) < 0) {
        int err = -errno;
        (void)close(fd);
        return err;
    }
    *ret_lock = fd;
    return 0;
}

int state_dir_set_pid(int lock, pid_t pid)
{
    return dprintf(lock, "%d\n", (int)pid) < 0 ? -errno : 0;
}

void state_dir_remove_dead(int dir, const char *name)
{
    char file[STATE_FILE_SIZE];

    make_lock_name(name, file);
    int fd = lock_name(dir, file, 0);
    if (fd < 0)
        return;
    remove_socket(dir, name);
    (void)unlinkat(dir, file, 0);
    (void)close(fd);
}

/* --- looking --- */

static pid_t read_pid(int dir, const char *file)
{
    char text[16] = "";
    int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return size <= 0 ? 0 : (pid_t)strtol(text, NULL, 10);
}

int state_dir_find(int dir, const char *name, struct state_entry *ret)
{
    char file[STATE_FILE_SIZE];

    if (control_check_name(name) < 0)
        return -ENOENT;
    state_dir_remove_dead(dir, name);
    make_lock_name(name, file);
    if (faccessat(dir, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
    ret->pid = read_pid(dir, file);
    return 0;
}

/* The name in NAME.lock. */
static bool parse_lock_name(const char *file, char ret[CONTROL_NAME_MAX + 1])
{
    size_t suffix = sizeof(lock_suffix) - 1;
    size_t size = strlen(file);

    if (size <= suffix || size - suffix > CONTROL_NAME_MAX ||
        strcmp(file + size - suffix, lock_suffix) != 0)
        return false;
    memcpy(ret, file, size - suffix);
    ret[size - suffix] = '\0';
    return control_check_name(ret) == 0;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct state_entry *)a)->name, ((const struct state_entry *)b)->name);
}

static int add_entry(int dir, const char *file, struct state_entry **entries, size_t *count)
{
    char name[CONTROL_NAME_MAX + 1];
    struct state_entry entry;

    if (!parse_lock_name(file, name) || state_dir_find(dir, name, &entry) < 0)
        return 0;
    struct state_entry *larger = realloc(*entries, (*count + 1) * sizeof(**entries));
    if (larger == NULL)
        return -ENOMEM;
    larger[(*count)++] = entry;
    *entries = larger;
    return 0;
}

int state_dir_list(int dir, struct state_entry **ret, size_t *ret_count)
{
    struct state_entry *entries = NULL;
    const struct dirent *file;
    size_t count = 0;
    int err = 0;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        (void)close(fd);
        return -ENOMEM;
    }
    while (err == 0 && (file = readdir(stream)) != NULL)
        err = add_entry(dir, file->d_name, &entries, &count);
    (void)closedir(stream);
    if (err < 0) {
        free(entries);
        return err;
    }
    if (count > 0)
        qsort(entries, count, sizeof(*entries), compare_entries);
    *ret = entries;
    *ret_count = count;
    return 0;
}
