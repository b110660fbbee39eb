/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting memory where a vma has none. Anonymous memory takes a run for the whole hole at once and
 * is mapped as the vma allows: first touches are then the host's. Lazy vmas and stacks take pieces
 * when touched. A host file is mapped up to its end; its writable data is copied at once if small.
 * Pages of files in memory are taken chunk by chunk from the mapping, some at a time; those of
 * shared memory without a name by mmap already.
 */
#include <errno.h>

#include "core/base/host.h"
#include "core/mm/space.h"
#include "vfs/fs/shmem.h"

#define LAZY_PIECE MEM_FOLIO
#define COPIED_SIZE_MAX (UINT64_C(256) << 10)
/* Of a file's pages in memory, at most so much is mapped at a touch. */
#define FILE_PIECE (UINT64_C(1) << 20)

int mm_take_run(struct mm *mm, guest_addr_t start, guest_addr_t end, uint64_t *ret)
{
    return memfile_alloc(mm->kernel->memfile, end - start, start, ret);
}

void mm_drop_run(struct mm *mm, guest_addr_t start, guest_addr_t end, uint64_t offset)
{
    memfile_put(mm->kernel->memfile, offset, end - start);
}

void mm_advise_folios(struct mm *mm, struct batch *batch, const struct vma *vma,
                      const struct pma *pma)
{
    guest_addr_t start = FOLIO_UP(pma->start), end = FOLIO_DOWN(pma->end);
    struct memfile *memfile = mm->kernel->memfile;

    if (pma->source != PMA_RUN || vma->flags & (VMA_SMALL | VMA_LAZY | VMA_GROWSDOWN) ||
        start >= end || (pma->start - pma->offset) % MEM_FOLIO != 0 || !memfile_has_folios(memfile))
        return;
    memfile_advise(memfile, pma_offset(pma, start), end - start);
    batch_advise(batch, start, end, MADV_HUGEPAGE);
}

int mm_add_pma(struct mm *mm, struct vma *vma, const struct pma *like)
{
    struct batch batch;
    struct pma *pma;
    int err = pma_add(mm, like, &pma);

    if (err < 0) {
        struct pma copy = *like;

        pma_put_chunks(mm, &copy);
        return err;
    }
    batch_init(&batch, mm);
    batch_map(&batch, vma, pma);
    err = batch_apply(&batch);
    if (err < 0) {
        batch_init(&batch, mm);
        batch_unmap(&batch, pma->start, pma->end);
        (void)batch_apply(&batch);
        pma_remove_range(mm, pma->start, pma->end);
        return err;
    }
    mm_advise_folios(mm, &batch, vma, pma); /* failing does no harm */
    (void)batch_apply(&batch);
    pma_merge(mm, like->start, like->end);
    return 0;
}

static int add_anonymous(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    struct pma pma = {.start = start, .end = end, .source = PMA_RUN, .is_owned = true};
    int err = mm_take_run(mm, start, end, &pma.offset);

    return err < 0 ? err : mm_add_pma(mm, vma, &pma);
}

static guest_addr_t vma_file_offset(const struct vma *vma, guest_addr_t address)
{
    return vma->offset + (address - vma->start);
}

/* Where the pages of the file end within [start, end). */
static guest_addr_t clip_to_file(const struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    uint64_t size = PAGE_UP(mapping_size_now(vma->mapping)), from = vma_file_offset(vma, start);

    if (from >= size)
        return start;
    return min_u64(end, start + (size - from));
}

static int add_host(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    struct pma pma = {.start = start,
                      .end = end,
                      .source = PMA_HOST,
                      .offset = vma_file_offset(vma, start),
                      .is_cow = !vma_is_shared(vma)};

    return mm_add_pma(mm, vma, &pma);
}

/* Data of a library: written to before long, all of it; and nobody here can change its file. */
static bool is_copied_at_once(const struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    return !vma_is_shared(vma) && vma->prot & PROT_WRITE && end - start <= COPIED_SIZE_MAX &&
           !mm_host_is_writable(vma->mapping);
}

static int read_host(const struct vma *vma, guest_addr_t start, size_t size, char *to)
{
    size_t done = 0;

    while (done < size) {
        struct iovec iov = {to + done, size - done};
        ptrdiff_t n =
            host_preadv(vma->mapping->host.fd, &iov, 1, vma_file_offset(vma, start) + done);

        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return 0;
}

static int add_copied(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    struct memfile *memfile = mm->kernel->memfile;
    struct pma pma = {
        .start = start, .end = end, .source = PMA_RUN, .is_owned = true, .is_hot = true};
    int err = mm_take_run(mm, start, end, &pma.offset);

    if (err < 0)
        return err;
    err = memfile_prepare_write(memfile, pma.offset, end - start);
    if (err == 0)
        err = read_host(vma, start, end - start, memfile_at(memfile, pma.offset));
    if (err == 0)
        return mm_add_pma(mm, vma, &pma);
    mm_drop_run(mm, start, end, pma.offset);
    return err;
}

/* Chunks of the file from start on, as far as they lie in a row in the memfile; made: at a touch.
 */
static int find_file_run(struct vma *vma, guest_addr_t start, guest_addr_t end, bool make,
                         struct pma *ret)
{
    uint64_t from = vma_file_offset(vma, start), run, next;
    int err = mapping_run(vma->mapping, from, make, true, &run);

    if (err < 0)
        return err;
    ret->start = start;
    ret->offset = run + from % MEM_CHUNK;
    ret->end = min_u64(end, start + (MEM_CHUNK - from % MEM_CHUNK));
    while (ret->end < end) {
        from = vma_file_offset(vma, ret->end);
        if (mapping_run(vma->mapping, from, make, true, &next) < 0)
            break;
        if (next != pma_offset(ret, ret->end)) {
            memfile_put(vma->mm->kernel->memfile, next, MEM_CHUNK);
            break;
        }
        ret->end = min_u64(end, ret->end + MEM_CHUNK);
    }
    return 0;
}

static int add_file(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end, bool make)
{
    struct pma pma = {.source = PMA_FILE, .is_cow = !vma_is_shared(vma), .is_owned = true};
    int err;

    if (make)
        mapping_make(vma->mapping, vma_file_offset(vma, start), end - start);
    err = find_file_run(vma, start, end, make, &pma);
    return err < 0 ? err : mm_add_pma(mm, vma, &pma);
}

/* The hole of vma around or after address, within [low, high). False: there is none. */
static bool find_hole(const struct mm *mm, guest_addr_t low, guest_addr_t high, guest_addr_t *start,
                      guest_addr_t *end)
{
    struct pma *pma = pma_find(mm, low);

    while (pma && pma->start <= low && low < high) {
        low = pma->end;
        pma = pma_find(mm, low);
    }
    if (low >= high)
        return false;
    *start = low;
    *end = pma ? min_u64(pma->start, high) : high;
    return true;
}

static int fill_hole(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    if (vma_is_anonymous(vma))
        return add_anonymous(mm, vma, start, end);
    if (!vma->mapping)
        return -EFAULT;
    end = clip_to_file(vma, start, end);
    if (end <= start)
        return -EFAULT;
    if (mapping_is_host(vma->mapping))
        return is_copied_at_once(vma, start, end) && add_copied(mm, vma, start, end) == 0
                   ? 0
                   : add_host(mm, vma, start, end);
    return add_file(mm, vma, start, min_u64(end, start + FILE_PIECE),
                    vma_is_shared(vma) && shmem_is(vma->file->inode));
}

int mm_populate(struct mm *mm, struct vma *vma, guest_addr_t start, guest_addr_t end)
{
    guest_addr_t low, high;
    int err;

    if (vma->flags & VMA_LAZY || vma->prot == PROT_NONE)
        return 0;
    while (find_hole(mm, start, end, &low, &high)) {
        err = fill_hole(mm, vma, low, high);
        if (err == -EFAULT || err == -ENOENT)
            return 0; /* past the end of the file, or no memory yet: a touch will see */
        if (err < 0)
            return err;
        if (!vma_is_anonymous(vma))
            return 0;
        start = high;
    }
    return 0;
}

/* The piece of the hole around address that is taken at once. */
static void choose_piece(const struct vma *vma, guest_addr_t address, guest_addr_t *start,
                         guest_addr_t *end)
{
    uint64_t piece = LAZY_PIECE;

    if (vma_is_anonymous(vma) && !(vma->flags & VMA_LAZY))
        piece = MM_LAZY_SIZE;
    *start = max_u64(*start, address & ~(piece - 1));
    *end = min_u64(*end, (address & ~(piece - 1)) + piece);
}

/* The hole that contains address, which has no pma. */
static void hole_around(const struct mm *mm, const struct vma *vma, guest_addr_t address,
                        guest_addr_t *start, guest_addr_t *end)
{
    struct pma *next = pma_find(mm, address), *last;

    *start = vma->start;
    *end = next ? min_u64(vma->end, next->start) : vma->end;
    last =
        next ? RB_PREV(pma_tree, &mm->pmas, next) : RB_MAX(pma_tree, (struct pma_tree *)&mm->pmas);
    if (last)
        *start = max_u64(*start, last->end);
}

int mm_populate_at(struct mm *mm, struct vma *vma, guest_addr_t address)
{
    guest_addr_t start, end, first;

    hole_around(mm, vma, address, &start, &end);
    choose_piece(vma, address, &start, &end);
    if (vma_is_anonymous(vma))
        return add_anonymous(mm, vma, start, end);
    if (!vma->mapping)
        return -EFAULT;
    end = clip_to_file(vma, start, end);
    if (end <= address)
        return -EFAULT;
    if (mapping_is_host(vma->mapping))
        return add_host(mm, vma, start, end);
    /* The chunk of the file that has address, and what follows. */
    first = address - vma_file_offset(vma, address) % MEM_CHUNK;
    if (vma_file_offset(vma, address) % MEM_CHUNK > address - start)
        first = start;
    return add_file(mm, vma, first, min_u64(end, first + FILE_PIECE), true);
}
