/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that address spaces need. A guest executes snippets of guest_text.S, which each address
 * space has at GUEST_TEXT; faults go to mm_fault as the run loop would give them.
 */
#include "tests/unit/mm_world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/host.h"
#include "vfs/fs/tmpfs.h"

enum { GUEST_TEXT = 0x400000, RUNS_MAX = 1000 };

extern const char guest_text[], guest_text_end[], guest_load[], guest_store[], guest_jump[];

struct kernel *mm_kernel;
static size_t objects;
static cpu_set_t cpus;

int mm_world_set_up(void **state)
{
    (void)state;
    objects = object_live_count();
    if (host_guard_init() < 0 || sched_getaffinity(0, sizeof cpus, &cpus) < 0)
        return -1;
    mm_kernel = host_alloc(1, sizeof *mm_kernel);
    mutex_init(&mm_kernel->mms_lock, LOCK_MMS);
    LIST_INIT(&mm_kernel->mms);
    if (memfile_create(UINT64_C(1) << 36, 0, &mm_kernel->memfile) < 0)
        return -1;
    mapping_set_memfile(mm_kernel->memfile);
    return 0;
}

/* The platform's stubs live as long as this thread. The tests have another, as making the first
 * stub (vfork) confuses the thread sanitizer about the thread that does it. */
enum { PLATFORM_NONE, PLATFORM_MADE, PLATFORM_OVER };
static atomic_uint platform_state;
static pthread_t platform_thread;

static void *keep_platform(void *argument)
{
    struct kernel *kernel = argument;

    if (platform_create("auto", kernel->memfile, &kernel->platform) < 0)
        kernel->platform = NULL;
    atomic_store(&platform_state, PLATFORM_MADE);
    host_futex_wake(&platform_state, 1);
    while (atomic_load(&platform_state) == PLATFORM_MADE)
        (void)host_futex_wait(&platform_state, PLATFORM_MADE, NSEC_NEVER);
    return NULL;
}

int mm_world_set_up_platform(void **state)
{
    if (mm_world_set_up(state) < 0)
        return -1;
    atomic_store(&platform_state, PLATFORM_NONE);
    if (host_thread_start(&platform_thread, keep_platform, mm_kernel, "platform") < 0)
        return -1;
    while (atomic_load(&platform_state) == PLATFORM_NONE)
        (void)host_futex_wait(&platform_state, PLATFORM_NONE, NSEC_NEVER);
    if (!mm_kernel->platform)
        return -1;
    mm_start(mm_kernel);
    return 0;
}

int mm_world_tear_down(void **state)
{
    bool is_clean = object_live_count() == objects && LIST_EMPTY(&mm_kernel->mms) &&
                    memfile_owned_size(mm_kernel->memfile) == 0;
    siginfo_t info;

    (void)state;
    if (mm_kernel->platform) {
        platform_free(mm_kernel->platform);
        atomic_store(&platform_state, PLATFORM_OVER);
        host_futex_wake(&platform_state, 1);
        host_thread_join(platform_thread);
    }
    memfile_free(mm_kernel->memfile);
    mutex_fini(&mm_kernel->mms_lock);
    host_free(mm_kernel);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD)
        return -1;
    return is_clean ? 0 : -1;
}

struct mm *mm_new(void)
{
    struct mm *mm;

    if (mm_kernel->platform)
        assert_int_equal(mm_create(mm_kernel, &mm), 0);
    else
        assert_int_equal(mm_alloc(mm_kernel, &mm), 0);
    return mm;
}

guest_addr_t mm_map(struct mm *mm, guest_addr_t address, uint64_t size, int prot, int flags)
{
    int64_t result = mm_mmap(mm, address, size, prot, flags | MAP_ANONYMOUS, NULL, 0);

    assert_true(result > 0);
    return (guest_addr_t)result;
}

static struct tmpfs_inode *new_inode(void)
{
    static const struct cred cred = {0};
    struct tmpfs_inode *inode;

    assert_int_equal(tmpfs_inode_create(1, NULL, S_IFREG | 0700, 0, &cred, &inode), 0);
    return inode;
}

static struct file *open_inode(struct tmpfs_inode *inode, uint32_t flags)
{
    struct file *file;

    assert_int_equal(file_create(&inode->inode, NULL, flags, &file), 0);
    object_put(&inode->object);
    return file;
}

struct file *mm_file(const void *content, size_t size, uint32_t flags)
{
    struct tmpfs_inode *inode = new_inode();

    assert_int_equal(mapping_write_kernel(&inode->mapping, content, size, 0), 0);
    return open_inode(inode, flags);
}

struct file *mm_host_file_new(const void *content, size_t size, bool is_writable)
{
    struct tmpfs_inode *inode = new_inode();
    int fd = host_memfd("test", MFD_CLOEXEC), read_only = -1;
    char name[64];

    assert_true(fd >= 0);
    assert_int_equal(host_pwrite_all(fd, content, size, 0), 0);
    if (!is_writable) {
        (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        read_only = open(name, O_RDONLY | O_CLOEXEC);
        assert_true(read_only >= 0);
        (void)host_close(fd);
    }
    mapping_set_host(&inode->mapping, is_writable ? fd : read_only, size);
    return open_inode(inode, is_writable ? O_RDWR : O_RDONLY);
}

struct mapping *mm_mapping_of(struct file *file)
{
    return file_mapping(file);
}

/* --- guests --- */

static void map_text(struct mm *mm)
{
    size_t size = (size_t)(guest_text_end - guest_text);

    if (mm_is_mapped(mm, GUEST_TEXT, size))
        return;
    (void)mm_map(mm, GUEST_TEXT, size, RW, PRIVATE | MAP_FIXED);
    assert_int_equal(user_copy_out(mm, GUEST_TEXT, guest_text, size), 0);
    assert_int_equal(mm_mprotect(mm, GUEST_TEXT, size, PROT_READ | PROT_EXEC), 0);
}

void mm_guest_start(struct mm_guest *guest, struct mm *mm)
{
    *guest = (struct mm_guest){.mm = mm, .regs = {.eflags = 0x202}};
    map_text(mm);
    assert_int_equal(context_create(mm->aspace, &guest->context), 0);
    assert_int_equal(context_attach(guest->context), 0);
}

void mm_guest_stop(struct mm_guest *guest)
{
    context_detach(guest->context);
    context_free(guest->context);
}

static bool take_fault(struct mm_guest *guest, const struct trap *trap)
{
    int code = trap->code, result = mm_fault(guest->mm, trap, &guest->last_fault, &code);

    if (result == 0) {
        guest->faults++;
        return true;
    }
    guest->signal = result;
    guest->code = code;
    return false;
}

bool mm_guest_run(struct mm_guest *guest)
{
    struct trap trap;

    for (int i = 0; i < RUNS_MAX; i++) {
        context_enter(guest->context, &guest->regs, &trap);
        switch (trap.kind) {
        case TRAP_SYSCALL:
            return true;
        case TRAP_FAULT:
            if (!take_fault(guest, &trap))
                return false;
            break;
        case TRAP_SIGNAL:
            guest->signal = trap.signal;
            guest->code = trap.code;
            return false;
        case TRAP_INTERRUPT:
            break;
        case TRAP_DEAD:
            fail_msg("the stub is dead");
        }
    }
    fail_msg("faults without end");
    return false;
}

static bool run_snippet(struct mm_guest *guest, const char *snippet)
{
    guest->regs.rip = GUEST_TEXT + (uint64_t)(snippet - guest_text);
    return mm_guest_run(guest);
}

bool mm_guest_load(struct mm_guest *guest, guest_addr_t address, uint64_t *ret)
{
    guest->regs.rdi = address;
    if (!run_snippet(guest, guest_load))
        return false;
    *ret = guest->regs.rax;
    return true;
}

bool mm_guest_store(struct mm_guest *guest, guest_addr_t address, uint64_t value)
{
    guest->regs.rdi = address;
    guest->regs.rax = value;
    return run_snippet(guest, guest_store);
}

bool mm_guest_jump(struct mm_guest *guest, guest_addr_t address)
{
    guest->regs.rbx = address;
    return run_snippet(guest, guest_jump);
}

/* --- the kernel's way --- */

uint64_t mm_peek(struct mm *mm, guest_addr_t address)
{
    uint64_t value;

    assert_int_equal(user_copy_in(mm, &value, address, sizeof value), 0);
    return value;
}

void mm_poke(struct mm *mm, guest_addr_t address, uint64_t value)
{
    assert_int_equal(user_copy_out(mm, address, &value, sizeof value), 0);
}

void mm_check(struct mm *mm)
{
    guest_addr_t last = 0;
    uint64_t size = 0;
    unsigned count = 0;
    struct vma *vma;
    struct pma *pma;

    RB_FOREACH(vma, vma_tree, &mm->vmas) {
        assert_true(vma->start >= last && vma->start < vma->end && vma->mm == mm);
        last = vma->end;
        size += vma->end - vma->start;
    }
    last = 0;
    RB_FOREACH(pma, pma_tree, &mm->pmas) {
        vma = vma_at(mm, pma->start);
        assert_true(pma->start >= last && pma->start < pma->end);
        assert_true(vma && vma->end >= pma->end);
        assert_true(pma->is_owned == pma_is_memory(pma));
        assert_false(pma->is_cow && pma->prot & PROT_WRITE);
        if (pma->is_owned)
            assert_true(memfile_owners(mm->kernel->memfile, pma->offset, pma->end - pma->start) >
                        0);
        last = pma->end;
        count++;
    }
    assert_int_equal(size, mm->mapped_size);
    assert_int_equal(count, mm->pma_count);
    assert_int_equal(mm->pin_count, 0);
    assert_int_equal(mm->window_pins, 0);
}
