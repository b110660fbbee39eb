/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/mman.h>

#include <bsd/sys/tree.h>

#include "core/base/events.h"
#include "core/base/uio.h"
#include "core/mm/vdso/vdso_data.h"
#include "core/rseq.h"
#include "platform/platform.h"
#include "snapshot/snapshot.h"
#include "vfs/file.h"
#include "vfs/mapping.h"

struct kernel;
struct task;

/*
 * One guest address space. Two trees: what the guest asked for (vma) and what is there (pma). mm.c
 * opens with the invariants.
 */
struct vma;
struct pma;
RB_HEAD(vma_tree, vma);
RB_HEAD(pma_tree, pma);

struct mm_heal;

/* A run owned for addresses above the heap, so that it grows in one piece. Empty: end is 0. */
struct mm_reserve {
    guest_addr_t start, end;
    uint64_t offset; /* of start */
};

/* A thread's last fault that needed no change. */
struct mm_last_fault {
    guest_addr_t address;
    enum fault_access access;
    uint64_t turn; /* mm's then */
    unsigned count;
};

/* Between top and mmap_base no hole is larger than hole. */
struct mm_search {
    guest_addr_t top; /* 0: nothing is known */
    uint64_t hole;
};

/* What the process that uses it may have, bytes: RLIMIT_AS, DATA, STACK, MEMLOCK. */
struct mm_limits {
    atomic_uint_fast64_t size, data, stack, locked;
    atomic_bool may_lock; /* any amount */
};

struct mm {
    struct object object;
    struct mutex lock; /* LOCK_MM; guards all below and the stub's maps */
    struct vma_tree vmas;
    struct pma_tree pmas; /* saved: runs; what is mapped of it is not */
    guest_addr_t mmap_base;
    guest_addr_t brk_start, brk;
    guest_addr_t stack_top; /* first byte above */
    guest_addr_t arg_start, arg_end, env_start, env_end;
    guest_addr_t entry, vdso;
    struct file *exe;
    uint8_t *auxv; /* as on the stack, for /proc/pid/auxv */
    size_t auxv_size;
    unsigned lock_future;   /* mlockall: flags of vmas to come */
    atomic_uint membarrier; /* commands registered for: core/membarrier.c */
    /* not saved, derived */
    uint64_t mapped_size; /* of all vmas */
    unsigned vma_count;
    unsigned pma_count;
    /* not saved */
    struct mm_limits limits; /* as the last call found them; read without the lock */
    struct kernel *kernel;
    struct aspace *aspace;
    struct rseq_cpus rseq_cpus;
    unsigned pin_count;        /* write pins in progress; fork waits */
    atomic_uint pin_turn;      /* futex: moves when pin_count falls to 0 */
    unsigned window_pins;      /* pins of host files' pages: what is doomed waits */
    SLIST_HEAD(, vma) doomed;  /* left the tree, not freed yet: see mm_unlock */
    struct mm_reserve reserve; /* memory for what brk asks next */
    uint64_t turn;             /* moves whenever the stub may or does change */
    struct mm_search search;   /* of places for maps */
    struct mm_heal *heals;     /* hash: faults a folio since the last freeze */
    bool is_listed;            /* in the kernel's list */
    LIST_ENTRY(mm) link;       /* of the kernel's list of address spaces */
};

extern const struct snapshot_type mm_type;

/* Once, when the kernel has its platform: that is where mapped host files have their numbers. */
void mm_start(struct kernel *kernel);
/* An empty address space with its stub. Returns a reference. */
int mm_create(struct kernel *kernel, struct mm **ret);
/* A copy for fork; the caller is a task of from. Copy-on-write is ours. */
int mm_fork(struct mm *from, struct mm **ret);
/* After a load and relink: makes the stub and maps what is there. Frozen. */
int mm_restore(struct mm *mm);
/* Lazy restore, inside the gate: opens to the stub what has been loaded as a whole meanwhile. */
void mm_open_loaded(struct mm *mm);
/* Checkpoint, frozen, before the save: gives back memory that nothing saved speaks of. */
void mm_settle(struct mm *mm);
/* Checkpoint, frozen, after memfile_freeze: takes write permission from every mapping of the stub.
 */
int mm_write_protect(struct mm *mm);

/* Handles a page fault. 0: resolved, enter again; else the signal is to be delivered: SIGSEGV or
 * SIGBUS, with its si_code in *code. -ENOMEM: the memory limit; the process is to be killed. last
 * is the thread's. */
int mm_fault(struct mm *mm, const struct trap *trap, struct mm_last_fault *last, int *code);

/* Before any of the calls below and mm_fault: the limits of who makes it. */
void mm_set_limits(struct mm *mm, const struct mm_limits *limits);

/* The calls of mman.h, arguments hostile; results are addresses or -errno. file is borrowed. */
int64_t mm_mmap(struct mm *mm, guest_addr_t address, uint64_t size, int prot, int flags,
                struct file *file, uint64_t offset);
int mm_munmap(struct mm *mm, guest_addr_t address, uint64_t size);
int mm_mprotect(struct mm *mm, guest_addr_t address, uint64_t size, int prot);
int64_t mm_mremap(struct mm *mm, guest_addr_t old, uint64_t old_size, uint64_t new_size, int flags,
                  guest_addr_t new);
int64_t mm_brk(struct mm *mm, guest_addr_t address);
int mm_madvise(struct mm *mm, guest_addr_t address, uint64_t size, int advice);
int mm_msync(struct mm *mm, guest_addr_t address, uint64_t size, int flags);
/* A byte for each of count pages: 1 where something is. -ENOMEM: not all is mapped. */
int mm_mincore(struct mm *mm, guest_addr_t address, size_t count, unsigned char *ret);
int mm_mlock(struct mm *mm, guest_addr_t address, uint64_t size, bool is_locked, bool on_fault);
int mm_mlockall(struct mm *mm, unsigned flags);
void mm_munlockall(struct mm *mm);
bool mm_is_mapped(struct mm *mm, guest_addr_t address, uint64_t size);

/* --- pins (R8): core/mm/pin.c --- */

/* Host pointers of at most UIO_SIZE_MAX bytes of guest memory, access FAULT_READ or FAULT_WRITE.
 * Pins as much as is accessible, at least one byte, else -EFAULT; *ret says how much. May sleep
 * shortly; the caller is inside the gate and holds no lock. Unpin before sleeping or locking. */
int user_pin(struct mm *mm, guest_addr_t address, size_t size, enum fault_access access,
             struct uio *ret);
/* As user_pin for an array of ranges (iovecs copied from the guest), skipping skip bytes. */
int user_pin_iov(struct mm *mm, const struct iovec *iov, unsigned count, uint64_t skip,
                 enum fault_access access, struct uio *ret);
void user_unpin(struct mm *mm, struct uio *uio);
/* Where in the memfile the byte at address is. False: nowhere. */
bool mm_place_of(struct mm *mm, guest_addr_t address, uint64_t *ret);

/* Where a byte is, for whoever else sees it: core/mm/place.c. */
struct mm_place {
    bool is_shared;      /* in a shared map; else dev and inode are 0 */
    uint64_t dev, inode; /* of the file */
    uint64_t offset;     /* in the file; else the address */
};
/* -EFAULT: it is not mapped, or not readable. No lock is held. */
int mm_place(struct mm *mm, guest_addr_t address, struct mm_place *ret);

/* Whole copies: 0 or -EFAULT. */
int user_copy_in(struct mm *mm, void *to, guest_addr_t from, size_t size);
int user_copy_out(struct mm *mm, guest_addr_t to, const void *from, size_t size);
int user_zero(struct mm *mm, guest_addr_t to, size_t size);
/* A string of at most size - 1 bytes and its end: its length; -ENAMETOOLONG, -EFAULT. */
int user_copy_string(struct mm *mm, char *to, guest_addr_t from, size_t size);
/* For ioctl and the like. */
struct user_memory user_memory_of(struct mm *mm);

/* --- exec: core/mm/elf.c and core/mm/exec_image.c --- */

struct exec_request {
    struct file *file;          /* the program, already checked for the x bit */
    const char *filename;       /* AT_EXECFN */
    char **argv, **envp;        /* kernel memory, NULL at the end */
    const struct fs_view *view; /* to find the interpreter */
    const struct cred *cred;
    uint8_t random[16];
    const struct mm_limits *limits; /* NULL: none */
};
/* Builds a new address space with the program, its interpreter, vDSO and stack. -ENOEXEC, -ENOENT,
 * -E2BIG, -ENOMEM, … : nothing has happened. #! is the caller's. On success *regs is the start. */
int mm_exec(struct kernel *kernel, const struct exec_request *request, struct mm **ret,
            struct guest_regs *regs);

/* --- for /proc: core/mm/show.c --- */
enum mm_show { MM_SHOW_MAPS, MM_SHOW_SMAPS, MM_SHOW_ROLLUP };
int mm_show_maps(struct mm *mm, const struct path *root, enum mm_show how, struct bytes *ret);
struct mm_usage {
    uint64_t size, resident, shared, text, data, stack, locked; /* bytes */
};
void mm_usage(struct mm *mm, struct mm_usage *ret);

/* --- vDSO: core/mm/vdso.c --- */

/* What the data page's clocks are made of; part of struct kernel. */
struct vdso_clock {
    struct mutex lock;
    bool is_ready;     /* it was updated once */
    bool is_usable;    /* the time stamp counter has one rate, always */
    nsec_t span_start; /* host time and counter where the measured span began; 0: not yet */
    uint64_t span_tsc;
    uint64_t rate;         /* ns a tick, times 2^32; 0: not known yet */
    struct vdso_data data; /* what the page says */
    struct timer timer;
};

/* Of its run in the memfile, machine->vdso_offset: text, then the data page. */
#define VDSO_SIZE MEM_CHUNK
#define VDSO_TEXT_SIZE (2 * MEM_PAGE)
/* What guests read by themselves now: calls answer the same, so that mixing both never goes back.
 * False: they have to call, and get the clocks as they are. */
bool vdso_now(struct kernel *kernel, nsec_t *monotonic, nsec_t *realtime);
/* As early as can be: the rate of the time stamp counter is measured from here on. */
void vdso_begin(struct kernel *kernel);
/* Takes the run of a new machine and fills it. */
int vdso_init(struct kernel *kernel);
/* At a thaw: the data page follows the clocks as they are now, and from now on once a second. */
void vdso_update(struct kernel *kernel);
