/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first write to what is shared copy-on-write. What nobody else owns any more is taken over in
 * place. Else a neighbourhood is copied: 16 KB at first, 64 KB where the neighbour was copied
 * before, more when the stub has many maps. The copy lies at the offset in its chunk that the
 * address has modulo 64 KB, and copies of one 64 KB of addresses share a chunk, so that they join
 * to one map.
 */
#include <errno.h>

#include "core/base/host.h"
#include "core/mm/space.h"

#define COPY_SIZE (UINT64_C(16) << 10)
#define TAKE_OVER_SIZE (UINT64_C(16) << 20)
/* Of the host's 65,530 maps a process: above these counts copies grow. */
enum { MANY_MAPS = 20000, VERY_MANY_MAPS = 40000 };

struct range {
    guest_addr_t start, end;
};

static struct range part_of(const struct pma *pma, guest_addr_t address, uint64_t size)
{
    guest_addr_t first = address & ~(size - 1);

    return (struct range){max_u64(pma->start, first), min_u64(pma->end, first + size)};
}

/* The largest part around address that nobody else owns; empty: none. */
static struct range find_sole(struct mm *mm, const struct pma *pma, guest_addr_t address)
{
    const uint64_t sizes[] = {TAKE_OVER_SIZE, MEM_FOLIO, MEM_CHUNK};
    struct range range;

    if (!pma_is_sole(mm, pma, address, address + MEM_PAGE))
        return (struct range){0};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        range = part_of(pma, address, sizes[i]);
        if (pma_is_sole(mm, pma, range.start, range.end))
            return range;
    }
    return (struct range){address, address + MEM_PAGE};
}

static int take_over(struct mm *mm, struct range range)
{
    int err = pma_split_range(mm, range.start, range.end);

    if (err < 0)
        return err;
    pma_at(mm, range.start)->is_cow = false;
    pma_merge(mm, range.start, range.end);
    return 0;
}

/* A copy that mm has already in the chunk of addresses around address. */
static struct pma *find_copy(const struct mm *mm, guest_addr_t address)
{
    guest_addr_t first = CHUNK_DOWN(address);
    struct pma *pma = pma_find(mm, first);

    for (; pma && pma->start < first + MEM_CHUNK; pma = RB_NEXT(pma_tree, &mm->pmas, pma))
        if (pma->source == PMA_RUN && !pma->is_cow && (pma->start - pma->offset) % MEM_CHUNK == 0 &&
            !vma_is_shared(vma_at(mm, pma->start)))
            return pma;
    return NULL;
}

static struct range choose_range(const struct mm *mm, const struct pma *pma, guest_addr_t address)
{
    uint64_t size = COPY_SIZE;

    if (mm->pma_count > VERY_MANY_MAPS)
        size = MEM_FOLIO;
    else if (mm->pma_count > MANY_MAPS || find_copy(mm, address))
        size = MEM_CHUNK;
    return part_of(pma, address, size);
}

/* Where the copy goes: owned. Beside an earlier copy if its chunk is nobody else's. */
static int take_place(struct mm *mm, struct range range, uint64_t *ret)
{
    guest_addr_t first = CHUNK_DOWN(range.start);
    struct pma *copy;

    if (range.end > first + MEM_CHUNK)
        return mm_take_run(mm, range.start, range.end, ret);
    copy = find_copy(mm, range.start);
    if (!copy ||
        !pma_is_sole(mm, copy, max_u64(copy->start, first), min_u64(copy->end, first + MEM_CHUNK)))
        return mm_take_run(mm, range.start, range.end, ret);
    *ret = CHUNK_DOWN(pma_offset(copy, max_u64(copy->start, first))) + (range.start - first);
    memfile_get(mm->kernel->memfile, *ret, range.end - range.start);
    return 0;
}

/* Reads a part of a host file; what is past its end is zero, but not the page of address. */
static int read_host(struct mapping *mapping, uint64_t offset, size_t size, size_t needed, char *to)
{
    size_t done = 0;

    while (done < size) {
        struct iovec iov = {to + done, size - done};
        ptrdiff_t n = host_preadv(mapping->host.fd, &iov, 1, offset + done);

        if (n < 0)
            return n == -EFAULT ? -ENOMEM : -EIO;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    if (done <= needed)
        return -EFAULT;
    return host_zero_guarded(to + done, size - done) < 0 ? -ENOMEM : 0;
}

static int copy_content(struct mm *mm, const struct vma *vma, const struct pma *pma,
                        struct range range, guest_addr_t address, uint64_t to)
{
    struct memfile *memfile = mm->kernel->memfile;
    uint64_t from = pma_offset(pma, range.start);
    size_t size = range.end - range.start;
    int err = memfile_prepare_write(memfile, to, size);

    if (err < 0)
        return err;
    if (pma->source == PMA_HOST)
        return read_host(vma->mapping, from, size, address - range.start, memfile_at(memfile, to));
    err = memfile_prepare_read(memfile, from, size);
    if (err < 0)
        return err;
    return host_copy_guarded(memfile_at(memfile, to), memfile_at(memfile, from), size) < 0 ? -ENOMEM
                                                                                           : 0;
}

/* Puts the copy at offset in the place of range of the pma, which is split there already. */
static int replace(struct mm *mm, const struct vma *vma, struct range range, uint64_t offset)
{
    struct pma *pma = pma_at(mm, range.start);
    struct pma copy = {.start = range.start,
                       .end = range.end,
                       .offset = offset,
                       .source = PMA_RUN,
                       .is_owned = true,
                       .is_hot = true};
    struct batch batch;
    int err;

    batch_init(&batch, mm);
    batch_map(&batch, vma, &copy);
    err = batch_apply(&batch);
    if (err < 0)
        return err;
    pma_put_chunks(mm, pma);
    copy.node = pma->node;
    *pma = copy;
    pma_merge(mm, range.start, range.end);
    return 0;
}

static int make_copy(struct mm *mm, const struct vma *vma, const struct pma *pma,
                     guest_addr_t address)
{
    struct range range = choose_range(mm, pma, address);
    uint64_t offset;
    int err = take_place(mm, range, &offset);

    if (err < 0)
        return err;
    err = copy_content(mm, vma, pma, range, address, offset);
    if (err == 0)
        err = pma_split_range(mm, range.start, range.end);
    if (err == 0)
        err = replace(mm, vma, range, offset);
    if (err < 0)
        mm_drop_run(mm, range.start, range.end, offset);
    return err;
}

int mm_break_cow(struct mm *mm, struct vma *vma, struct pma *pma, guest_addr_t address,
                 struct pma **ret)
{
    struct range sole = find_sole(mm, pma, address);
    int err = sole.end > 0 ? take_over(mm, sole) : make_copy(mm, vma, pma, address);

    if (err == 0)
        *ret = pma_at(mm, address);
    return err;
}
