/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Booting: the tree of names (overlay root, /dev, /proc, empty /sys and /run, binds), then pid 1
 * with descriptors 0 to 2 on the donated streams. Everything happens while the kernel is frozen.
 */
#include "core/sandbox/boot.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/host.h"
#include "core/procfs/procfs.h"
#include "core/procfs/sysfs.h"
#include "vfs/fs/devfs.h"
#include "vfs/host_stream.h"
#include "vfs/mount.h"
#include "vfs/vfs_boot.h"

enum { EXIT_FAILED = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, UMASK = 022 };

int boot_take_donations(struct kernel *kernel, struct control_start *start)
{
    const StartSpec *spec = start->spec;
    struct vfs_context *vfs = &kernel->vfs;

    vfs->roots = host_alloc(spec->n_roots, sizeof(*vfs->roots));
    if (vfs->roots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < spec->n_roots; i++) {
        struct host_root *root = &vfs->roots[vfs->root_count++];
        root->fd = start->root_fds[i];
        start->root_fds[i] = -1;
        root->name = host_strdup(spec->roots[i]->name);
        root->path = host_strdup(spec->roots[i]->path);
        root->is_writable = spec->roots[i]->is_writable;
        if (root->name == NULL || root->path == NULL)
            return -ENOMEM;
    }
    memcpy(vfs->stdio, start->stdio, sizeof(vfs->stdio));
    return 0;
}

typedef int create_root_fn(struct kernel *kernel, struct inode **ret);

static int create_dev(struct kernel *kernel, struct inode **ret)
{
    return devfs_create(&kernel->vfs, ret);
}

static int mount_one(struct kernel *kernel, const char *where, const char *type,
                     create_root_fn *create)
{
    struct inode *root;
    int err = create(kernel, &root);

    if (err < 0)
        return err;
    err = vfs_mount(kernel->machine->root_mount, where, root, type, type, 0);
    object_put(&root->object);
    return err;
}

static int mount_all(struct kernel *kernel, struct report *report)
{
    struct machine *machine = kernel->machine;
    int err = vfs_mount_root(&kernel->vfs, true, &machine->root_mount);

    if (err == 0)
        err = mount_one(kernel, "/dev", "devtmpfs", create_dev);
    if (err == 0)
        err = vfs_mount_tmpfs(machine->root_mount, "/dev/shm", 01777);
    if (err == 0)
        err = mount_one(kernel, "/proc", "proc", procfs_create);
    if (err == 0)
        err = mount_one(kernel, "/sys", "sysfs", sysfs_create);
    if (err < 0)
        report_bad(report, "mounting the root: %s", strerror(-err));
    for (unsigned i = 1; err == 0 && i < kernel->vfs.root_count; i++) {
        struct host_root *root = &kernel->vfs.roots[i];
        err = vfs_mount_bind(machine->root_mount, root, root->name);
        if (err < 0)
            report_bad(report, "mounting %s at %s: %s", root->path, root->name, strerror(-err));
    }
    return err;
}

static int open_stdio(struct kernel *kernel, struct files *files)
{
    for (unsigned i = 0; i < 3; i++) {
        struct file *file;
        int err = host_stream_open(&kernel->vfs, i, &file);
        if (err == 0)
            err = files_add(files, file, (int)i, false, 3);
        if (err < 0)
            return err;
    }
    return 0;
}

/* The root and the working directory of pid 1. */
static int make_fs(struct kernel *kernel, const char *cwd, struct report *report, struct fs **ret)
{
    static const struct cred root_cred;
    struct path root = {kernel->machine->root_mount, kernel->machine->root_mount->root};
    struct fs_view view = {.root = root, .cwd = root, .cred = &root_cred};
    struct path path;
    int err = path_lookup(&view, NULL, cwd, LOOKUP_DIRECTORY, &path);

    if (err < 0) {
        report_bad(report, "working directory %s: %s", cwd, strerror(-err));
        return err;
    }
    err = fs_create(&root, &path, UMASK, ret);
    path_put(&path);
    return err;
}

static int make_init(struct kernel *kernel, struct fs *fs, struct task **ret)
{
    struct sighand *sighand;
    struct process *process;
    struct files *files;
    int err = sighand_create(&sighand);

    if (err == 0)
        err = process_create(kernel, 1, sighand, &process);
    if (err < 0)
        return err;
    kernel->machine->init = process;
    err = files_create(&files);
    if (err < 0)
        return err;
    err = open_stdio(kernel, files);
    if (err == 0)
        err = task_create(process, 1, NULL, files, fs, ret);
    object_put(&files->object);
    return err;
}

static int link_init(struct task *task)
{
    struct kernel *kernel = task_kernel(task);

    mutex_lock(&kernel->tasks_lock);
    int err = process_link(task->process, NULL);
    if (err == 0)
        err = task_link(task);
    mutex_unlock(&kernel->tasks_lock);
    return err;
}

static const char *find_variable(char *const *environment, const char *name)
{
    size_t size = strlen(name);

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
            return *environment + size + 1;
    }
    return NULL;
}

/* execvp's search: the first candidate that does not fail with ENOENT or ENOTDIR decides, but for
 * EACCES, which is remembered. */
static int exec_by_search(struct task *task, char **argv, char **environment)
{
    const char *path = find_variable(environment, "PATH");
    struct bytes name = {0};
    int result = -ENOENT;

    if (path == NULL)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (const char *end; result != 0; path = end + 1) {
        end = strchrnul(path, ':');
        name.size = 0;
        int err = bytes_printf(&name, "%.*s/%s%c", (int)(end - path), path, argv[0], '\0');
        if (err == 0)
            err = task_exec(task, (const char *)name.data, argv, environment);
        if (err != -ENOENT && err != -ENOTDIR)
            result = err;
        if ((err != -ENOENT && err != -ENOTDIR && err != -EACCES) || *end == '\0')
            break;
    }
    bytes_fini(&name);
    return result;
}

static int exec_init(struct task *task, const StartSpec *spec, struct report *report,
                     unsigned *exit_code)
{
    char **argv = host_alloc(spec->n_argv + 1, sizeof(*argv));
    char **environment = host_alloc(spec->n_environment + 1, sizeof(*environment));
    int err = -ENOMEM;

    if (argv != NULL && environment != NULL) {
        memcpy(argv, spec->argv, spec->n_argv * sizeof(*argv));
        if (spec->n_environment > 0)
            memcpy(environment, spec->environment, spec->n_environment * sizeof(*environment));
        bool is_path = strchr(argv[0], '/') != NULL;
        err = is_path ? task_exec(task, argv[0], argv, environment)
                      : exec_by_search(task, argv, environment);
    }
    host_free(argv);
    host_free(environment);
    if (err < 0) {
        report_bad(report, "%s: %s", spec->argv[0], strerror(-err));
        *exit_code = err == -ENOENT || err == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    }
    return err;
}

static int make_machine(struct kernel *kernel, const StartSpec *spec)
{
    struct machine *machine = object_alloc(&machine_type.object);

    if (machine == NULL)
        return -ENOMEM;
    kernel->machine = machine;
    (void)strncpy(machine->hostname, spec->hostname, sizeof(machine->hostname) - 1);
    machine->last_pid = 1;
    host_random(machine->generation, sizeof(machine->generation));
    int err = vdso_init(kernel);
    machine->has_vdso = err == 0;
    return err;
}

static int boot_init(struct kernel *kernel, const StartSpec *spec, struct report *report,
                     unsigned *exit_code)
{
    struct task *task;
    struct fs *fs;
    int err = make_fs(kernel, spec->cwd, report, &fs);

    if (err < 0)
        return err;
    err = make_init(kernel, fs, &task);
    object_put(&fs->object);
    if (err < 0)
        return err;
    err = exec_init(task, spec, report, exit_code);
    if (err == 0)
        err = link_init(task);
    object_put(&task->object);
    return err;
}

int boot_machine(struct kernel *kernel, const StartSpec *spec, struct report *report,
                 unsigned *exit_code)
{
    int err = make_machine(kernel, spec);

    *exit_code = EXIT_FAILED;
    if (err == 0)
        err = mount_all(kernel, report);
    if (err == 0)
        err = boot_init(kernel, spec, report, exit_code);
    if (err < 0 && report->bad_count == 0)
        report_bad(report, "starting: %s", strerror(-err));
    return err;
}
