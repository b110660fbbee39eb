/* SPDX-License-Identifier: Apache-2.0 */
/* Objects for an image that nobody can restore but the inspector can read. */
#include "tests/tools/sample_objects.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The ids, in the order of the image. */
enum {
    ROOT_MOUNT = 1,
    MNT_MOUNT,
    ROOT_DENTRY,
    MNT_DENTRY,
    BIND_DENTRY,
    LOG_DENTRY,
    GONE_DENTRY,
    LOG_INODE,
    PIPE,
    STREAM,
    LOG_FILE,
    GONE_FILE,
    PIPE_FILE,
    STREAM_FILE,
    FILES,
    MM,
    SHELL,
    CHILD,
    ZOMBIE,
    SHELL_TASK,
    CHILD_TASK,
};

static struct kernel_image *image;

static void add(Object *object, Object__BodyCase kind)
{
    object->id = image->object_count + 1;
    object->body_case = kind;
    if (kernel_image_add(image, object) < 0)
        abort();
}

static void add_mount(uint64_t root, uint64_t mountpoint, uint64_t *child)
{
    Object object = OBJECT__INIT;
    Mount mount = MOUNT__INIT;

    mount.root = root;
    mount.mountpoint = mountpoint;
    mount.type = "overlay";
    mount.n_children = child == NULL ? 0 : 1;
    mount.children = child;
    object.mount = &mount;
    add(&object, OBJECT__BODY_MOUNT);
}

static void add_dentry(uint64_t parent, char *name, bool is_unlinked)
{
    Object object = OBJECT__INIT;
    Dentry dentry = DENTRY__INIT;

    dentry.parent = parent;
    dentry.name = name;
    dentry.is_unlinked = is_unlinked;
    object.dentry = &dentry;
    add(&object, OBJECT__BODY_DENTRY);
}

static void add_tree(void)
{
    uint64_t child = MNT_MOUNT;

    add_mount(ROOT_DENTRY, 0, &child);
    add_mount(BIND_DENTRY, MNT_DENTRY, NULL);
    add_dentry(0, "", false);
    add_dentry(ROOT_DENTRY, "mnt", false);
    add_dentry(0, "", false);
    add_dentry(BIND_DENTRY, "log", false);
    add_dentry(ROOT_DENTRY, "go\x1bne", true);
}

static void add_inodes(void)
{
    InodeAttr attr = INODE_ATTR__INIT;
    TmpfsInode log = TMPFS_INODE__INIT;
    Pipe pipe = PIPE__INIT;
    HostStream stream = HOST_STREAM__INIT;
    Object object = OBJECT__INIT;

    attr.nr = 77;
    attr.mode = S_IFREG | 0644;
    log.attr = &attr;
    object.tmpfs_inode = &log;
    add(&object, OBJECT__BODY_TMPFS_INODE);
    attr.mode = S_IFIFO | 0600;
    pipe.attr = &attr;
    object.pipe = &pipe;
    add(&object, OBJECT__BODY_PIPE);
    stream.index = 1;
    object.host_stream = &stream;
    add(&object, OBJECT__BODY_HOST_STREAM);
}

static void add_file(uint64_t inode, uint64_t mount, uint64_t dentry, unsigned flags)
{
    Object object = OBJECT__INIT;
    File file = FILE__INIT;

    file.inode = inode;
    file.mount = mount;
    file.dentry = dentry;
    file.flags = flags;
    file.position = flags == O_RDWR ? UINT64_MAX : 0;
    object.file = &file;
    add(&object, OBJECT__BODY_FILE);
}

static void add_files(void)
{
    static const unsigned numbers[] = {0, 1, 2, 10, 11};
    static const uint64_t ids[] = {PIPE_FILE, STREAM_FILE, LOG_FILE, GONE_FILE, 999};
    FilesSlot slots[5];
    FilesSlot *pointers[5];
    Files files = FILES__INIT;
    Object object = OBJECT__INIT;

    add_file(LOG_INODE, MNT_MOUNT, LOG_DENTRY, O_RDWR);
    add_file(LOG_INODE, ROOT_MOUNT, GONE_DENTRY, O_RDONLY);
    add_file(PIPE, 0, 0, O_RDONLY);
    add_file(STREAM, 0, 0, O_WRONLY);
    for (int i = 0; i < 5; i++) {
        files_slot__init(&slots[i]);
        slots[i].fd = numbers[i];
        slots[i].file = ids[i];
        slots[i].is_cloexec = numbers[i] == 10;
        pointers[i] = &slots[i];
    }
    files.n_slots = 5;
    files.slots = pointers;
    object.files = &files;
    add(&object, OBJECT__BODY_FILES);
}

static void add_mm(void)
{
    Vma vmas[2] = {VMA__INIT, VMA__INIT};
    Vma *vma_pointers[2] = {&vmas[0], &vmas[1]};
    Pma pma = PMA__INIT;
    Pma *pma_pointers[1] = {&pma};
    Mm mm = MM__INIT;
    Object object = OBJECT__INIT;

    vmas[0].start = 0x400000;
    vmas[0].end = 0x402000;
    vmas[0].prot = PROT_READ | PROT_EXEC;
    vmas[0].file = LOG_FILE;
    vmas[0].offset = 0x1000;
    vmas[1].start = 0x7ffd00000000;
    vmas[1].end = 0x7ffd00021000;
    vmas[1].prot = PROT_READ | PROT_WRITE;
    vmas[1].flags = 32;
    pma.start = 0x401000;
    pma.end = 0x402000;
    mm.n_vmas = 2;
    mm.vmas = vma_pointers;
    mm.n_pmas = 1;
    mm.pmas = pma_pointers;
    object.mm = &mm;
    add(&object, OBJECT__BODY_MM);
}

static void add_process(unsigned pid, uint64_t task, uint64_t *children, size_t child_count)
{
    Object object = OBJECT__INIT;
    Process process = PROCESS__INIT;

    process.pid = pid;
    process.pgid = process.sid = 1;
    process.is_zombie = task == 0;
    process.n_tasks = task == 0 ? 0 : 1;
    process.tasks = &task;
    process.n_children = child_count;
    process.children = children;
    object.process = &process;
    add(&object, OBJECT__BODY_PROCESS);
}

static void add_task(unsigned tid, char *comm, WaitRecord *wait)
{
    Object object = OBJECT__INIT;
    Task task = TASK__INIT;

    task.tid = tid;
    task.comm = comm;
    task.mm = MM;
    task.files = FILES;
    task.wait = wait;
    object.task = &task;
    add(&object, OBJECT__BODY_TASK);
}

void sample_objects(struct kernel_image *ret)
{
    uint64_t children[] = {CHILD, ZOMBIE};
    WaitRecord wait = WAIT_RECORD__INIT;
    NanosleepWait sleep = NANOSLEEP_WAIT__INIT;

    image = ret;
    add_tree();
    add_inodes();
    add_files();
    add_mm();
    add_process(1, SHELL_TASK, children, 2);
    add_process(5, CHILD_TASK, NULL, 0);
    add_process(4, 0, NULL, 0);
    add_task(1, "dash", NULL);
    wait.body_case = WAIT_RECORD__BODY_NANOSLEEP;
    wait.nanosleep = &sleep;
    add_task(5, "sleep", &wait);
    if (kernel_image_close(image) < 0)
        abort();
}
