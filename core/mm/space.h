/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/kernel.h"
#include "core/mm/pma.h"

/* What the files of core/mm share. All but mm_lock and mm_unlock need mm->lock. */

#define PAGE_DOWN(address) ((address) & ~(MEM_PAGE - 1))
#define PAGE_UP(address) PAGE_DOWN((address) + MEM_PAGE - 1)
#define CHUNK_DOWN(address) ((address) & ~(MEM_CHUNK - 1))
#define CHUNK_UP(address) CHUNK_DOWN((address) + MEM_CHUNK - 1)
#define FOLIO_DOWN(address) ((address) & ~(MEM_FOLIO - 1))
#define FOLIO_UP(address) FOLIO_DOWN((address) + MEM_FOLIO - 1)

#define MM_ADDRESS_MIN UINT64_C(0x10000)
#define MM_STACK_SIZE (UINT64_C(8) << 20) /* until it is told RLIMIT_STACK */
#define MM_STACK_GAP (256 * MEM_PAGE)
#define MM_MAP_COUNT_MAX 65530u
/* Larger ones with MAP_NORESERVE take runs in pieces, when touched. */
#define MM_LAZY_SIZE (UINT64_C(1) << 30)

#define MM_STACK_TOP (GUEST_ADDRESS_END - MEM_CHUNK)
/* Maps are placed below, lower if the stack may be larger; between it and the top are the stack and
 * its gap. */
#define MM_MMAP_BASE (GUEST_ADDRESS_END - (UINT64_C(128) << 20))

/* --- mm.c --- */

/* An empty address space without a stub. */
int mm_alloc(struct kernel *kernel, struct mm **ret);
/* One that has a stub becomes known to the kernel. No lock is held. */
void mm_list(struct mm *mm);

void mm_lock(struct mm *mm);
/* Also frees the vmas that have left the tree, once no window of theirs is pinned. */
void mm_unlock(struct mm *mm);

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* --- batch.c: changes of the stub, collected --- */

enum { BATCH_OPS = 32 };

/* Adjacent changes of one kind become one; a full batch is applied. An mm without a stub, or with a
 * dead one, takes every change: no guest code will see it. */
struct batch {
    struct mm *mm;
    int err;
    size_t count;
    struct aspace_op ops[BATCH_OPS];
};

void batch_init(struct batch *batch, struct mm *mm);
void batch_unmap(struct batch *batch, guest_addr_t start, guest_addr_t end);
void batch_advise(struct batch *batch, guest_addr_t start, guest_addr_t end, int advice);
/* Gives the stub what pma allows it (of vma's protection): a new map, or another protection where
 * that has changed. */
void batch_map(struct batch *batch, const struct vma *vma, struct pma *pma);
void batch_protect(struct batch *batch, const struct vma *vma, struct pma *pma);
/* What the stub keeps of pma when it may write no more: nothing, if it had nothing or one cannot
 * tell.
 */
int pma_readable_prot(const struct vma *vma, const struct pma *pma);
void batch_add(struct batch *batch, const struct aspace_op *op);
/* 0, or the first error: what was changed of what was asked for is then unknown. */
int batch_apply(struct batch *batch);

/* --- populate.c --- */

/* Puts memory (and maps it in the stub) where [start, end) of vma has none, as far as that is not
 * left to faults. -ENOMEM: some of it may be there. */
int mm_populate(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end);
/* For a touch of address, where nothing is. -EFAULT: past the end of the file; -ENOMEM. */
int mm_populate_at(struct mm *mm, struct vma *vma, guest_addr_t address);
/* Books a part of vma, whose chunks it owns, and maps it; on failure nothing is there, and the
 * chunks are put. */
int mm_add_pma(struct mm *mm, struct vma *vma, const struct pma *like);
/* Advises huge folios, here and in the stub, where vma and size are fit for it. */
void mm_advise_folios(struct mm *mm, struct batch *batch, const struct vma *vma,
                      const struct pma *pma);
/* A run for [start, end), chunk by chunk where it is: *ret is the place of start. */
int mm_take_run(struct mm *mm, guest_addr_t start, guest_addr_t end, uint64_t *ret);
void mm_drop_run(struct mm *mm, guest_addr_t start, guest_addr_t end, uint64_t offset);

/* --- cow.c --- */

/* Makes address of pma (copy-on-write) the mm's own: takes over or copies. *ret is what is there
 * then. -EFAULT: the file ends before; -ENOMEM. */
int mm_break_cow(struct mm *mm, struct vma *vma, struct pma *pma, guest_addr_t address,
                 struct pma **ret);

/* --- fault.c --- */

/* Makes the page of address ready for one access of vma's allowed ones: memory is there, its own if
 * it is to be written, content loaded, epoch stamped. The stub may still lack the permission.
 * -EFAULT: past the end of the file; -ENOMEM, -EIO. */
int mm_resolve(struct mm *mm, struct vma *vma, guest_addr_t address, enum fault_access access,
               struct pma **ret);
/* The vma of address for a touch of it: grows a stack down to it. NULL: none. */
struct vma *mm_touch(struct mm *mm, guest_addr_t address);
bool vma_allows(const struct vma *vma, enum fault_access access);
void mm_forget_heals(struct mm *mm);
/* Counts a fault in the folio of address: true from the 8th since the last freeze on. */
bool mm_count_fault(struct mm *mm, guest_addr_t address);

/* --- open.c --- */

/* After mm_resolve: where some of *pma was absent, and the stub has nothing of it, what is to be
 * opened around address becomes a pma of its own; *is_part says so, to merge it later. -ENOMEM. */
int mm_split_loaded(struct mm *mm, struct pma **pma, guest_addr_t address, bool *is_part);
/* Gives the stub what it may have of a pma that is mapped; the map keeps its advice. */
int mm_open_part(struct mm *mm, const struct vma *vma, struct pma *pma);

/* --- map.c --- */

/* A free range for a map of size bytes: top-down, congruent to phase modulo align. -ENOMEM. */
int mm_find_free(struct mm *mm, uint64_t size, uint64_t align, uint64_t phase, guest_addr_t below,
                 guest_addr_t *ret);
/* A vma has left the tree: a place that was searched in vain may do now. */
void mm_forget_search(struct mm *mm, const struct vma *gone);
/* True: no vma, nor the gap of a stack above, is in [start, end). */
bool mm_is_free(struct mm *mm, guest_addr_t start, guest_addr_t end);
/* Puts a vma like this one there, where nothing is, and populates it. */
int mm_insert(struct mm *mm, const struct vma *like);

/* --- account.c --- */

/* -ENOMEM, -EAGAIN (locked memory): size bytes more of a vma like this one are too many. */
int mm_check_growth(const struct mm *mm, const struct vma *like, uint64_t size);
bool mm_has_many_maps(const struct mm *mm);
/* Bytes of [start, end) that are mapped; locked. */
uint64_t mm_mapped_size(const struct mm *mm, guest_addr_t start, guest_addr_t end);
uint64_t mm_locked_size(const struct mm *mm, guest_addr_t start, guest_addr_t end);

/* --- resident.c --- */

/* Bytes of pma that have content. */
uint64_t mm_resident_size(const struct mm *mm, const struct pma *pma);
/* The same of a range of the memfile; pages (NULL: not asked for) gets a 1 for each. */
uint64_t mm_resident_run(const struct memfile *memfile, uint64_t offset, uint64_t size,
                         unsigned char *pages);

/* --- unmap.c --- */

int mm_unmap_range(struct mm *mm, guest_addr_t start, guest_addr_t end);
/* Drops what is there in [start, end), vmas stay: what is touched next is new. */
int mm_drop_range(struct mm *mm, guest_addr_t start, guest_addr_t end);
/* struct mapping_user's: no lock is held */
void mm_mapping_changed(struct object *owner, struct mapping *mapping, uint64_t offset);
/* Drops what was taken of files that have changed before mm was their user; no lock is held. */
void mm_check_files(struct mm *mm);

/* --- protect.c --- */
/* A refused change: the stub may have the old or the new protection, part by part. */
void mm_doubt(struct mm *mm, guest_addr_t start, guest_addr_t end);

/* --- brk.c --- */
void mm_reserve_free(struct mm *mm);

/* --- hosts.c: pages of host files --- */

/* The file's number in the stubs. */
int mm_host_file(struct mm *mm, struct mapping *mapping, int *ret);
/* The byte at offset of the file in a window of ours; *size is cut to what the window has from
 * there on. -EFAULT: there is none. */
int mm_host_window(struct mapping *mapping, uint64_t offset, bool writing, char **ret,
                   size_t *size);
bool mm_host_is_writable(const struct mapping *mapping);

/* --- vdso.c --- */
/* Maps the vDSO into a new address space. */
int mm_map_vdso(struct mm *mm);

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}
