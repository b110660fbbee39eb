/* SPDX-License-Identifier: Apache-2.0 */
/* What others may see of a process: its user's own, root everything, strangers what is public; not
 * dumpable is as a stranger's. Calls: openat readlink stat prctl setuid fork */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

static char path[128];

static const char *of(int pid, const char *name)
{
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return path;
}

static void check_open(int pid, const char *name, int err)
{
    char byte;
    int fd = open(of(pid, name), O_RDONLY);
    if ((err == 0 && fd < 0) || (err != 0 && (fd >= 0 || errno != err)))
        fprintf(stderr, "%s\n", path);
    CHECK(err == 0 ? fd >= 0 && read(fd, &byte, 1) == 1 : fd == -1 && errno == err);
    if (fd >= 0)
        close(fd);
}

static void check_link(int pid, const char *name, int err)
{
    char to[256];
    ssize_t size = readlink(of(pid, name), to, sizeof(to));
    if (err == 0 ? size <= 0 : size >= 0 || errno != err)
        fprintf(stderr, "%s\n", path);
    CHECK(err == 0 ? size > 0 : size == -1 && errno == err);
    struct stat stat_of;
    int result = stat(of(pid, name), &stat_of); /* follows */
    if (strncmp(name, "ns/", 3) != 0)
        CHECK(err == 0 ? result == 0 : result == -1 && errno == err);
}

static const char *const links[] = {"exe", "cwd", "root", "ns/net", "ns/user"};
static const char *const secrets[] = {"maps", "environ", "auxv"};
static const char *const open_to_all[] = {"stat",   "statm",  "status",    "comm",      "cmdline",
                                          "limits", "mounts", "mountinfo", "oom_score", "cgroup"};

static void check_public(int pid)
{
    for (size_t i = 0; i < sizeof(open_to_all) / sizeof(*open_to_all); i++)
        check_open(pid, open_to_all[i], 0);
}

static void check_secret(int pid, int err)
{
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
        check_link(pid, links[i], err);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
        check_open(pid, secrets[i], err);
    int fd = open(of(pid, "fd"), O_RDONLY | O_DIRECTORY);
    CHECK(err == 0 ? fd >= 0 : fd == -1 && errno == err);
    check_link(pid, "fd/1", err);
}

static uid_t owner_of(int pid, const char *name)
{
    struct stat stat_of;
    CHECK(lstat(of(pid, name), &stat_of) == 0);
    return stat_of.st_uid;
}

/* A child of that user that waits until its pipe is closed. */
static int start(uid_t uid, int is_dumpable, int *end)
{
    int ends[2], ready[2];
    char byte;
    CHECK(pipe(ends) == 0 && pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        CHECK(setgid(uid) == 0 && setuid(uid) == 0);
        CHECK(prctl(PR_SET_DUMPABLE, is_dumpable) == 0 && write(ready[1], "r", 1) == 1);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ends[0]);
    close(ready[0]);
    close(ready[1]);
    *end = ends[1];
    return pid;
}

static void as_user(int own, int hidden, int stranger)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setgid(1000) == 0 && setuid(1000) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
        check_public(own);
        check_public(hidden);
        check_public(stranger);
        check_secret(own, 0);
        check_secret(stranger, EACCES);
        check_link(hidden, "exe", EACCES);
        check_open(hidden, "environ", EACCES);
        check_open(hidden, "maps", EACCES);
        check_open(getpid(), "io", 0);
        check_open(stranger, "io", EACCES);
        CHECK_ERRNO(open(of(own, "oom_score_adj"), O_RDONLY | O_CREAT | O_EXCL, 0), EEXIST);
        CHECK_ERRNO(open(of(stranger, "comm"), O_WRONLY), EACCES);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    int ends[3], status;
    int own = start(1000, 1, &ends[0]), hidden = start(1000, 0, &ends[1]);
    int stranger = start(2000, 1, &ends[2]);
    check_secret(own, 0); /* as root */
    check_secret(stranger, 0);
    check_link(hidden, "exe", 0);
    check_open(hidden, "environ", 0);
    CHECK(owner_of(own, "stat") == 1000 && owner_of(hidden, "stat") == 0);
    CHECK(owner_of(stranger, "fd") == 2000 && owner_of(own, "task") == 1000);
    printf("root\n");
    as_user(own, hidden, stranger);
    printf("user\n");
    for (int i = 0; i < 3; i++)
        close(ends[i]);
    for (int i = 0; i < 3; i++)
        CHECK(wait(&status) > 0 && status == 0);
    return 0;
}
