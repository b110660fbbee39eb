/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as directories: at every instant, whatever fails and whoever is killed, the name leads to
 * the old image or to the new one, whole; and the next writer leaves nothing of the dead behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "snapshot/image_dir.h"
#include "tests/unit/host_descriptors.h"

static char place[64], path[80];
static unsigned fds_at_start;
static struct report report;

static int setup(void **state)
{
    (void)state;
    report = (struct report){0};
    fds_at_start = host_descriptor_count();
    (void)strcpy(place, "/tmp/test_image_dir.XXXXXX");
    assert_non_null(mkdtemp(place));
    (void)snprintf(path, sizeof(path), "%s/img", place);
    return 0;
}

static void remove_tree(const char *name)
{
    char command[120];

    (void)snprintf(command, sizeof(command), "rm -rf %s", name);
    assert_int_equal(system(command), 0);
}

static int teardown(void **state)
{
    (void)state;
    host_call_fail_at(0, 0);
    remove_tree(place);
    assert_int_equal(host_descriptor_count(), fds_at_start);
    return 0;
}

/* Names in the directory where images are made. */
static unsigned count_names(void)
{
    DIR *stream = opendir(place);
    const struct dirent *entry;
    unsigned count = 0;

    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(stream);
    return count;
}

static void make_file(const char *directory, const char *name, const char *content)
{
    char full[300];

    (void)snprintf(full, sizeof(full), "%s/%s", directory, name);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    (void)fputs(content, file);
    assert_int_equal(fclose(file), 0);
}

/* --- a writer --- */

/* A manifest of two files that say which image it is. Called by children too: no cmocka asserts. */
static int make_manifest(char which, Manifest **ret)
{
    uint8_t generation[MANIFEST_GENERATION_SIZE];
    struct image_file file = {.size = 5};
    char content[] = {which, which, which, which, which};
    Manifest *manifest;
    int err = manifest_create(&manifest);

    if (err < 0)
        return err;
    memset(generation, which, sizeof(generation));
    image_digest(content, sizeof(content), file.digest);
    manifest->counts->objects = manifest->counts->roots = 1;
    if (manifest_set_text(&manifest->name, "demo") < 0 ||
        manifest_set_text(&manifest->options->platform, "auto") < 0 ||
        manifest_set_generation(manifest, generation) < 0 ||
        manifest_add_root(manifest, "/", "/", false) < 0 ||
        manifest_add_file(manifest, "kernel.img", &file) < 0 ||
        manifest_add_file(manifest, "pages.img", &file) < 0) {
        manifest_free(manifest);
        return -ENOMEM;
    }
    *ret = manifest;
    return 0;
}

static int write_files(const struct image_dir *dir, char which)
{
    static const char *const names[] = {"kernel.img", "pages.img"};
    char content[] = {which, which, which, which, which};

    for (int i = 0; i < 2; i++) {
        int fd = openat(dir->fd, names[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, content, sizeof(content)) != sizeof(content))
            return -EIO;
        (void)close(fd);
    }
    return 0;
}

/* A whole checkpoint, as a tool and its sandbox make it. */
static int write_image(char which)
{
    struct image_dir dir;
    Manifest *manifest = NULL;
    int err = image_dir_create(path, &report, &dir);

    if (err < 0)
        return err;
    err = write_files(&dir, which);
    if (err == 0)
        err = make_manifest(which, &manifest);
    if (err == 0)
        err = image_dir_commit(&dir, manifest, &report);
    image_dir_fini(&dir);
    manifest_free(manifest);
    return err;
}

/* Which image stands there, whole; 0: none. */
static char image_there(void)
{
    Manifest *manifest;
    int fd;

    report = (struct report){0};
    int err = image_dir_open(path, &report, &fd, &manifest);
    if (err == -ENOENT && access(path, F_OK) < 0)
        return 0;
    assert_int_equal(err, 0);
    assert_int_equal(image_dir_verify(fd, manifest, &report), 0);
    char which = (char)manifest->generation.data[0];
    manifest_free(manifest);
    (void)close(fd);
    return which;
}

/* --- in order --- */

static void test_new(void **state)
{
    struct stat stat_of;
    (void)state;

    assert_int_equal(image_there(), 0);
    assert_int_equal(write_image('a'), 0);
    assert_int_equal(image_there(), 'a');
    assert_int_equal(count_names(), 1);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0700);
}

static void test_replace(void **state)
{
    (void)state;
    for (char which = 'a'; which < 'e'; which++) {
        assert_int_equal(write_image(which), 0);
        assert_int_equal(image_there(), which);
        assert_int_equal(count_names(), 1);
    }
}

static void test_empty_directory_is_replaced(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(write_image('a'), 0);
    assert_int_equal(image_there(), 'a');
    assert_int_equal(count_names(), 1);
}

static void test_ways_to_name_it(void **state)
{
    char plain[80];
    (void)state;

    (void)strcpy(plain, path);
    (void)strcat(path, "///");
    assert_int_equal(write_image('a'), 0);
    (void)strcpy(path, plain);
    assert_int_equal(image_there(), 'a');
    (void)snprintf(path, sizeof(path), "%s/link", place);
    assert_int_equal(symlink("img", path), 0);
    assert_int_equal(write_image('b'), 0);
    (void)strcpy(path, plain);
    assert_int_equal(image_there(), 'b');
    assert_int_equal(count_names(), 2);
    assert_int_equal(chdir(place), 0);
    (void)strcpy(path, "img");
    assert_int_equal(write_image('c'), 0);
    assert_int_equal(image_there(), 'c');
    assert_int_equal(chdir("/"), 0);
}

static void refuse(const char *line)
{
    report = (struct report){0};
    assert_true(write_image('z') < 0);
    assert_string_equal(report.lines[0], line);
    assert_int_equal(report.bad_count, 1);
}

static void test_refused_places(void **state)
{
    char plain[80];
    (void)state;

    (void)strcpy(plain, path);
    make_file(place, "img", "precious");
    refuse("replacing it: Not a directory");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    make_file(path, "notes", "precious");
    refuse("a directory that is no image: it has notes");
    assert_int_equal(write_image('a'), -EINVAL);
    remove_tree(path);
    assert_int_equal(mkdir(path, 0755), 0);
    make_file(path, "kernel.img", "precious");
    refuse("a directory that is no image: it has no manifest.json");
    remove_tree(path);
    assert_int_equal(write_image('a'), 0);
    make_file(path, "notes", "precious");
    refuse("a directory that is no image: it has notes");
    (void)snprintf(path, sizeof(path), "%s/no/img", place);
    refuse("finding its place: No such file or directory");
    (void)snprintf(path, sizeof(path), "%s/..", place);
    refuse("finding its place: Invalid argument");
    (void)strcpy(path, plain);
    assert_int_equal(count_names(), 1);
}

static void test_abandoned(void **state)
{
    struct image_dir dir;
    (void)state;

    assert_int_equal(write_image('a'), 0);
    assert_int_equal(image_dir_create(path, &report, &dir), 0);
    assert_int_equal(write_files(&dir, 'b'), 0);
    image_dir_fini(&dir);
    image_dir_fini(&dir);
    assert_int_equal(image_there(), 'a');
    assert_int_equal(count_names(), 1);
}

/* Somebody puts something else there while the image is written. */
static void test_place_is_taken_meanwhile(void **state)
{
    struct image_dir dir;
    Manifest *manifest;
    char notes[120];
    (void)state;

    assert_int_equal(image_dir_create(path, &report, &dir), 0);
    assert_int_equal(write_files(&dir, 'a'), 0);
    assert_int_equal(make_manifest('a', &manifest), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    make_file(path, "notes", "precious");
    assert_int_equal(image_dir_commit(&dir, manifest, &report), -EINVAL);
    assert_string_equal(report.lines[0], "a directory that is no image: it has notes");
    image_dir_fini(&dir);
    manifest_free(manifest);
    (void)snprintf(notes, sizeof(notes), "%s/notes", path);
    assert_int_equal(access(notes, F_OK), 0);
    assert_int_equal(count_names(), 1);
}

/* --- what is written must be what is listed --- */

static void refuse_commit(const Manifest *manifest, const char *name, const char *content,
                          const char *line)
{
    struct image_dir dir;
    char temporary[120];

    report = (struct report){0};
    assert_int_equal(image_dir_create(path, &report, &dir), 0);
    assert_int_equal(write_files(&dir, 'a'), 0);
    (void)snprintf(temporary, sizeof(temporary), "%s/%s", place, dir.temporary);
    assert_int_equal(unlinkat(dir.fd, name, 0), 0);
    if (content != NULL)
        make_file(temporary, name, content);
    assert_true(image_dir_commit(&dir, manifest, &report) < 0);
    assert_string_equal(report.lines[0], line);
    image_dir_fini(&dir);
    assert_int_equal(count_names(), 0);
}

static void test_wrong_files(void **state)
{
    struct image_file file = {.digest = "00112233445566778899aabbccddeeff"};
    Manifest *manifest;
    (void)state;

    assert_int_equal(make_manifest('a', &manifest), 0);
    refuse_commit(manifest, "pages.img", NULL, "pages.img: No such file or directory");
    refuse_commit(manifest, "pages.img", "aaaaaa", "pages.img: Bad message");
    assert_int_equal(manifest_add_file(manifest, "evil", &file), 0);
    refuse_commit(manifest, "pages.img", "aaaaa", "evil: Bad message");
    manifest_free(manifest);
}

/* --- opening --- */

static void refuse_open(const char *line)
{
    Manifest *manifest;
    int fd;

    report = (struct report){0};
    assert_true(image_dir_open(path, &report, &fd, &manifest) < 0);
    assert_string_equal(report.lines[0], line);
}

static void test_refused_images(void **state)
{
    (void)state;
    refuse_open("No such file or directory");
    assert_int_equal(write_image('a'), 0);
    make_file(path, "pages.img", "four");
    refuse_open("pages.img: 4 bytes, expected 5");
    char file[120];
    (void)snprintf(file, sizeof(file), "%s/pages.img", path);
    assert_int_equal(unlink(file), 0);
    refuse_open("pages.img: No such file or directory");
    assert_int_equal(symlink("kernel.img", file), 0);
    refuse_open("pages.img: not a regular file");
    make_file(path, "manifest.json", "{}");
    refuse_open("manifest.json: format: missing");
}

static void test_verify(void **state)
{
    Manifest *manifest;
    int fd;
    (void)state;

    assert_int_equal(write_image('a'), 0);
    make_file(path, "pages.img", "aabaa");
    assert_int_equal(image_dir_open(path, &report, &fd, &manifest), 0);
    assert_int_equal(image_dir_verify(fd, manifest, &report), -EINVAL);
    assert_int_equal(report.bad_count, 1);
    assert_non_null(strstr(report.lines[0], "pages.img: its digest is "));
    manifest_free(manifest);
    (void)close(fd);
}

/* --- the dead --- */

static pid_t dead_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static void make_temporary(char name[120], pid_t pid)
{
    (void)snprintf(name, 120, "%s/img.tmp-%d", place, (int)pid);
    assert_int_equal(mkdir(name, 0700), 0);
    make_file(name, "pages.img", "half");
}

static void test_leftovers(void **state)
{
    char dead[120], living[120], locked[120], other[120];
    (void)state;

    make_temporary(dead, dead_pid());
    make_temporary(living, getppid());
    make_temporary(locked, dead_pid());
    (void)snprintf(other, sizeof(other), "%s/img.tmp-1x", place);
    assert_int_equal(mkdir(other, 0700), 0);
    int lock = open(locked, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(write_image('a'), 0);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(access(living, F_OK), 0);
    assert_int_equal(access(locked, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
    (void)close(lock);
}

/* A child that is killed before its system call number n, which it enters nr-th from now; false: it
 * came to its end. */
static bool write_and_die(unsigned n, char which)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        _exit(write_image(which) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (unsigned i = 0; i < 2 * n + 1; i++) { /* a stop before and one after each call */
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return false;
        }
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return true;
}

static void test_killed_at_every_call(void **state)
{
    unsigned old_seen = 0, new_seen = 0;
    unsigned n = 0;
    (void)state;

    assert_int_equal(write_image('a'), 0);
    for (; write_and_die(n, 'b'); n++) {
        char which = image_there();
        old_seen += which == 'a';
        new_seen += which == 'b';
        assert_true(which == 'a' || which == 'b');
        assert_int_equal(write_image('a'), 0); /* removes what the dead left */
        assert_int_equal(count_names(), 1);
    }
    assert_true(old_seen > 10);
    assert_true(new_seen > 2);
    assert_int_equal(image_there(), 'b');
}

static void test_killed_with_no_old_image(void **state)
{
    unsigned none_seen = 0, new_seen = 0;
    (void)state;

    for (unsigned n = 0; write_and_die(n, 'b'); n++) {
        char which = image_there();
        none_seen += which == 0;
        new_seen += which == 'b';
        remove_tree(path);
        assert_int_equal(write_image('a'), 0);
        assert_int_equal(count_names(), 1);
        remove_tree(path);
    }
    assert_true(none_seen > 10);
    assert_true(new_seen > 1);
}

static void test_every_call_fails(void **state)
{
    unsigned failures = 0, in_vain = 0;
    (void)state;

    for (unsigned long n = 1; in_vain < 20; n++) {
        assert_int_equal(write_image('a'), 0);
        report = (struct report){0};
        host_call_fail_at(n, -ENOSPC);
        int err = write_image('b');
        host_call_fail_at(0, 0);
        if (err < 0)
            assert_true(report.bad_count > 0);
        failures += err < 0;
        in_vain = err < 0 ? 0 : in_vain + 1; /* a failed removal is no failure */
        assert_int_equal(image_there(), err < 0 ? 'a' : 'b');
        assert_int_equal(write_image('c'), 0);
        assert_int_equal(count_names(), 1);
    }
    assert_true(failures > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_directory_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ways_to_name_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_abandoned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_place_is_taken_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_images, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leftovers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_at_every_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_with_no_old_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_call_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
