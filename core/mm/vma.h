/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/mm/mm.h"

/* Saved as they are: numbers are never reused. */
enum vma_flags {
    VMA_SHARED = 1 << 0,    /* MAP_SHARED */
    VMA_GROWSDOWN = 1 << 1, /* MAP_GROWSDOWN, the stack */
    VMA_LAZY = 1 << 2,      /* runs are taken in pieces, when touched */
    VMA_SMALL = 1 << 3,     /* never huge folios: MAP_STACK, MADV_NOHUGEPAGE */
    VMA_HEAP = 1 << 4,      /* brk's */
    VMA_STACK = 1 << 5,     /* the initial stack */
    VMA_VDSO = 1 << 6,
    VMA_VVAR = 1 << 7,       /* the vDSO's data page: never writable */
    VMA_DONTFORK = 1 << 8,   /* MADV_DONTFORK */
    VMA_WIPEONFORK = 1 << 9, /* MADV_WIPEONFORK */
    VMA_MAY_WRITE = 1 << 10, /* mprotect may allow writing (a shared file opened for it; private) */
    VMA_LOCKED = 1 << 11,    /* mlock */
    VMA_LOCK_ONFAULT = 1 << 12, /* MLOCK_ONFAULT */
    VMA_ALL = (1 << 13) - 1,
};

/* What the guest asked for: a range with one protection, one source. Whole pages. */
struct vma {
    guest_addr_t start, end;
    int prot; /* PROT_*, as asked for */
    unsigned flags;
    uint64_t offset;   /* of start in the file; 0: anonymous */
    struct file *file; /* a reference; NULL: anonymous, always private */
    /* not saved, derived */
    struct mapping *mapping; /* the file's pages; borrowed, the file holds them */
    /* not saved */
    struct mm *mm;
    struct mapping_user user; /* while mapping is set */
    RB_ENTRY(vma) node;
    SLIST_ENTRY(vma) doomed;
};

RB_PROTOTYPE(vma_tree, vma, node, vma_compare)

/* All functions need mm->lock, but for vma_free. Pointers are borrowed and good until it is
 * released. */

static inline bool vma_is_anonymous(const struct vma *vma)
{
    return vma->file == NULL;
}

static inline bool vma_is_shared(const struct vma *vma)
{
    return vma->flags & VMA_SHARED;
}

/* The first that ends above address; the one that contains it; NULL. */
struct vma *vma_find(const struct mm *mm, guest_addr_t address);
struct vma *vma_at(const struct mm *mm, guest_addr_t address);
/* True: all of [start, end) is in vmas. */
bool vma_covers(const struct mm *mm, guest_addr_t start, guest_addr_t end);

/* A vma like that one, in no tree yet, with a reference to its file. -ENOMEM. */
int vma_alloc(struct mm *mm, const struct vma *like, struct vma **ret);
/* Puts what it holds; no lock is held. */
void vma_free(struct vma *vma);
/* In: nothing is there yet. Out: it is freed once the lock is released (mm_unlock). */
void vma_insert(struct mm *mm, struct vma *vma);
void vma_remove(struct mm *mm, struct vma *vma);
/* Becomes a user of these pages (NULL: of none) instead of those before. */
void vma_set_mapping(struct vma *vma, struct mapping *mapping);
/* The pages of a file as they are now, NULL: it cannot be mapped. No lock is held. */
struct mapping *file_mapping(const struct file *file);

/* Makes at (and start, end) the border of two vmas, if it is inside of one. -ENOMEM, also: there
 * are too many. */
int vma_split(struct mm *mm, guest_addr_t at);
int vma_split_range(struct mm *mm, guest_addr_t start, guest_addr_t end);
/* Joins what can be one in and around [start, end). */
void vma_merge(struct mm *mm, guest_addr_t start, guest_addr_t end);

/* True: it counts for RLIMIT_DATA. */
bool vma_is_data(const struct vma *vma);
/* The protection the stub needs for what the guest asked for (x86: writing and executing read). */
int vma_host_prot(const struct vma *vma);
