/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random calls on names, made on a directory of the host and in a world: the same results, the same
 * errors, the same tree. In memory, on an overlay that starts with files below, and on a bind.
 * test_vfs_like_host [STEPS [SEED]].
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "core/base/container.h"
#include "tests/unit/vfs_world.h"

enum { NAME_SIZE = 64, RESULT_SIZE = 8 << 10 };

static unsigned long steps = 3000;
static unsigned seed = 1;
static const char *base = "";   /* of names in the world */
static bool counts_directories; /* st_nlink of directories is the host's */
static bool is_user_too;        /* half of the calls are a user's, who is not root */

enum { USER = 1000 };

/* Components of which names are made. */
static const char *const parts[] = {"a", "b", "c", "d", "f", "l", ".", "..", "a", "b"};

static unsigned random_below(unsigned limit)
{
    return (unsigned)rand() % limit;
}

/* A name of one to four components, absolute in the tree of the test. */
static void random_name(char to[NAME_SIZE])
{
    unsigned count = 1 + random_below(4);
    size_t used = 0;

    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(to + used, NAME_SIZE - used, "/%s",
                                 parts[random_below(ARRAY_COUNT(parts))]);
    if (random_below(12) == 0)
        (void)snprintf(to + used, NAME_SIZE - used, "/");
}

static void on_host(const char *name, char to[WORLD_PATH])
{
    int size = snprintf(to, WORLD_PATH, "%s/host%s", vfs_world.top, name);

    assert_in_range(size, 1, WORLD_PATH - 1);
}

static void in_world(const char *name, char to[WORLD_PATH])
{
    (void)snprintf(to, WORLD_PATH, "%s%s", base, name);
}

static int host_result(int result)
{
    return result < 0 ? -errno : 0;
}

/* A link to a place without . and .. is as deep as it looks, at least. */
static bool has_dots(const char *name)
{
    return strstr(name, "/.") != NULL;
}

/* ".." out of the test's tree leads elsewhere on both sides. */
static bool leaves_tree(const char *name)
{
    int depth = 0;

    for (const char *at = name; *at != '\0';) {
        at += strspn(at, "/");
        size_t size = strcspn(at, "/");
        if (size == 2 && strncmp(at, "..", 2) == 0)
            depth--;
        else if (size > 0 && !(size == 1 && at[0] == '.'))
            depth++;
        if (depth < 0)
            return true;
        at += size;
    }
    return false;
}

/* --- the calls, on each side --- */

struct call {
    unsigned what;
    char from[NAME_SIZE], to[NAME_SIZE];
    int flags;
    uint64_t size;
};

enum { OPEN, MKDIR, RMDIR, UNLINK, RENAME, LINK, SYMLINK, TRUNCATE, CHMOD, ACCESS, CALLS };
static const char *const call_names[] = {"open", "mkdir",   "rmdir",    "unlink", "rename",
                                         "link", "symlink", "truncate", "chmod",  "access"};

static int host_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);

    if (fd < 0)
        return -errno;
    ssize_t done = (flags & O_ACCMODE) == O_RDONLY ? 0 : write(fd, "content", 7);
    (void)close(fd);
    return done < 0 ? -errno : 0;
}

static int call_host(const struct call *call)
{
    char from[WORLD_PATH], to[WORLD_PATH];

    on_host(call->from, from);
    on_host(call->to, to);
    switch (call->what) {
    case OPEN:
        return host_open(from, call->flags);
    case MKDIR:
        return host_result(mkdir(from, 0755));
    case RMDIR:
        return host_result(rmdir(from));
    case UNLINK:
        return host_result(unlink(from));
    case RENAME:
        return host_result(renameat2(AT_FDCWD, from, AT_FDCWD, to, (unsigned)call->flags));
    case LINK:
        return host_result(linkat(AT_FDCWD, from, AT_FDCWD, to, call->flags));
    case SYMLINK:
        return host_result(symlink(call->to + 1, from));
    case TRUNCATE:
        return host_result(truncate(from, (off_t)call->size));
    case CHMOD:
        return host_result(chmod(from, (mode_t)call->size));
    default:
        return host_result(faccessat(AT_FDCWD, from, call->flags, AT_EACCESS));
    }
}

static int world_open_write(const char *name, int flags)
{
    struct file *file;

    int err = world_open(name, flags, &file);
    if (err < 0)
        return err;
    if ((flags & O_ACCMODE) != O_RDONLY)
        assert_int_equal(file_write_text(file, "content"), 7);
    object_put(&file->object);
    return 0;
}

static int world_change(const char *name, const struct attr_change *change)
{
    struct path path;

    int err = path_lookup(&vfs_world.view, NULL, name, 0, &path);
    if (err < 0)
        return err;
    err = vfs_setattr(&vfs_world.view, &path, change);
    path_put(&path);
    return err;
}

static int call_world(const struct call *call)
{
    char from[WORLD_PATH], to[WORLD_PATH];

    in_world(call->from, from);
    in_world(call->to, to);
    switch (call->what) {
    case OPEN:
        return world_open_write(from, call->flags);
    case MKDIR:
        return world_mkdir(from);
    case RMDIR:
        return world_rmdir(from);
    case UNLINK:
        return world_unlink(from);
    case RENAME:
        return world_rename(from, to, (unsigned)call->flags);
    case LINK:
        return vfs_link(&vfs_world.view, NULL, from, NULL, to, call->flags);
    case SYMLINK:
        return world_symlink(call->to + 1, from);
    case TRUNCATE:
        return world_change(from, &(struct attr_change){.set = ATTR_SIZE, .size = call->size});
    case CHMOD:
        return world_change(from,
                            &(struct attr_change){.set = ATTR_MODE, .mode = (uint32_t)call->size});
    default:
        return vfs_access(&vfs_world.view, NULL, from, 0, call->flags);
    }
}

static void random_call(struct call *call)
{
    static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
    static const int extra[] = {O_CREAT, O_EXCL | O_CREAT, O_TRUNC, O_DIRECTORY, O_NOFOLLOW};

    do {
        random_name(call->from);
        random_name(call->to);
        call->what = random_below(CALLS);
    } while (leaves_tree(call->from) || leaves_tree(call->to) ||
             (call->what == SYMLINK && has_dots(call->to)));
    call->flags = 0;
    call->size = random_below(3) * 5;
    if (call->what == OPEN) {
        call->flags = modes[random_below(3)];
        for (size_t i = 0; i < ARRAY_COUNT(extra); i++)
            call->flags |= random_below(i == 0 ? 2 : 5) == 0 ? extra[i] : 0;
        if ((call->flags & O_CREAT) != 0) /* how the two go together depends on the host's age */
            call->flags &= ~O_DIRECTORY;
        if ((call->flags & O_CREAT) != 0 && is_user_too) /* EACCES for links of others in /tmp */
            call->flags &= ~O_NOFOLLOW;
    } else if (call->what == RENAME) {
        call->flags = random_below(4) == 0   ? RENAME_EXCHANGE
                      : random_below(4) == 0 ? RENAME_NOREPLACE
                                             : 0;
    } else if (call->what == LINK) {
        call->flags = random_below(3) == 0 ? AT_SYMLINK_FOLLOW : 0;
    } else if (call->what == CHMOD && is_user_too) {
        call->size = random_below(01000) | random_below(2) * 01000;
    } else if (call->what == CHMOD) {
        call->size = 0700 | random_below(0100);
    } else if (call->what == ACCESS) {
        call->flags = (int)random_below(8);
    }
}

/* --- the trees --- */

static void describe(char *to, const char *name, const struct stat *stat)
{
    size_t used = strlen(to);
    unsigned nlink = (unsigned)stat->st_nlink;

    if (S_ISDIR(stat->st_mode) && !counts_directories)
        nlink = 0;
    (void)snprintf(to + used, RESULT_SIZE - used, "%s %o %u %lld\n", name, stat->st_mode, nlink,
                   S_ISDIR(stat->st_mode) ? 0LL : (long long)stat->st_size);
}

/* All that is below dir, sorted, a line each. */
static void describe_host(const char *dir, char *to)
{
    char path[WORLD_PATH];
    struct dirent **names;

    on_host(dir, path);
    int count = scandir(path, &names, NULL, alphasort);
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        char name[WORLD_PATH];
        struct stat stat;
        (void)snprintf(name, sizeof(name), "%s/%s", dir, names[i]->d_name);
        bool is_dot = strcmp(names[i]->d_name, ".") == 0 || strcmp(names[i]->d_name, "..") == 0;
        free(names[i]);
        if (is_dot)
            continue;
        on_host(name, path);
        assert_return_code(lstat(path, &stat), errno);
        describe(to, name, &stat);
        if (S_ISDIR(stat.st_mode))
            describe_host(name, to);
    }
    free(names);
}

static void describe_world(const char *dir, char *to)
{
    char path[WORLD_PATH], *names, *rest, *one;

    in_world(dir[0] == '\0' ? "/" : dir, path);
    names = strdup(world_list(path));
    assert_non_null(names);
    for (one = strtok_r(names, " ", &rest); one != NULL; one = strtok_r(NULL, " ", &rest)) {
        char name[WORLD_PATH];
        struct stat stat;
        (void)snprintf(name, sizeof(name), "%s/%s", dir, one);
        if (dir[0] == '\0' && (strcmp(one, "run") == 0 || strcmp(one, "sys") == 0))
            continue;
        in_world(name, path);
        assert_int_equal(world_stat(path, &stat), 0);
        describe(to, name, &stat);
        if (S_ISDIR(stat.st_mode))
            describe_world(name, to);
    }
    free(names);
}

static void check_trees(void)
{
    static char host[RESULT_SIZE], world[RESULT_SIZE];

    host[0] = world[0] = '\0';
    describe_host("", host);
    describe_world("", world);
    assert_string_equal(world, host);
}

/* On both sides: the host lets a thread have another user's rights to files. */
static void become(uid_t uid)
{
    if (!is_user_too)
        return;
    (void)setfsgid(uid);
    (void)setfsuid(uid);
    world_become(uid, uid);
}

static void run(void)
{
    struct call call;
    unsigned done[CALLS] = {0};

    srand(seed);
    for (unsigned long i = 0; i < steps; i++) {
        random_call(&call);
        become(is_user_too && random_below(2) == 0 ? USER : 0);
        int host = call_host(&call), world = call_world(&call);
        become(0);
        if (host != world) {
            print_error("step %lu: %s(%s, %s, %#x, %llu): host %s, here %s\n", i,
                        call_names[call.what], call.from, call.to, (unsigned)call.flags,
                        (unsigned long long)call.size, strerrorname_np(-host),
                        strerrorname_np(-world));
            fail();
        }
        done[call.what] += host == 0;
        if (i % 16 == 0)
            check_trees();
    }
    check_trees();
    for (unsigned i = 0; i < CALLS; i++)
        assert_true(done[i] > 0 || steps < 1000 || is_user_too);
}

/* The same files on both sides to start with. */
static void populate(const char *top)
{
    static const char *const directories[] = {"a", "a/b", "a/b/c", "b"};
    static const char *const regular[] = {"a/f", "a/b/f", "a/b/c/f", "b/f", "f"};
    char name[WORLD_PATH];

    for (size_t i = 0; i < ARRAY_COUNT(directories); i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", top, directories[i]);
        host_make_directory(name);
    }
    for (size_t i = 0; i < ARRAY_COUNT(regular); i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", top, regular[i]);
        host_write(name, "below");
    }
}

static int set_up(void **state)
{
    int err = vfs_world_set_up(state);

    if (err == 0)
        host_make_directory("host");
    base = "";
    is_user_too = false;
    return err;
}

static void test_tmpfs(void **state)
{
    (void)state;
    world_mount_tmpfs();
    counts_directories = true;
    run();
}

static void test_overlay(void **state)
{
    (void)state;
    populate("host");
    populate("root");
    world_mount_host(true);
    counts_directories = false;
    run();
    assert_string_equal(host_read("root/a/b/c/f"), "below");
}

static void test_bind(void **state)
{
    (void)state;
    world_mount_tmpfs();
    world_bind(0, "/mnt", true);
    base = "/mnt";
    counts_directories = true;
    run();
}

/* Linux can be told to protect links and files of others; links only are protected here. */
static bool host_protects_as_we_do(void)
{
    static const struct {
        const char *name;
        int value;
    } wanted[] = {{"hardlinks", '1'}, {"symlinks", '0'}, {"regular", '0'}};
    bool is_same = true;

    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/sys/fs/protected_%s", wanted[i].name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            return false;
        is_same &= fgetc(file) == wanted[i].value;
        (void)fclose(file);
    }
    return is_same;
}

static void test_as_user(void **state)
{
    (void)state;
    if (geteuid() != 0 || !host_protects_as_we_do()) {
        print_message("needs root, and of /proc/sys/fs/protected_* hardlinks only: not tested\n");
        skip();
    }
    assert_return_code(setgroups(0, NULL), errno);
    assert_return_code(chmod(vfs_world.top, 0711), errno);
    populate("host");
    populate("root");
    world_mount_host(true);
    counts_directories = false;
    is_user_too = true;
    run();
    is_user_too = false;
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, vfs_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_tmpfs),
        TEST(test_overlay),
        TEST(test_bind),
        TEST(test_as_user),
    };

    if (argc > 1)
        steps = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        seed = (unsigned)strtoul(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
