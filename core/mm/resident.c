/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is resident: pages of the memfile that have content, as the host keeps account of them, and
 * what an image still has for them. First touches are the host's, so nothing else knows. Linux:
 * all that is mapped of a host file counts.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/mm/space.h"

/* Where content begins at or after offset, at most end. */
static uint64_t find_content(const struct memfile *memfile, uint64_t offset, uint64_t end)
{
    int64_t next = host_lseek(memfile_fd(memfile), (int64_t)offset, SEEK_DATA);

    return next < 0 ? end : min_u64((uint64_t)next, end);
}

static uint64_t find_hole(const struct memfile *memfile, uint64_t offset, uint64_t end)
{
    int64_t next = host_lseek(memfile_fd(memfile), (int64_t)offset, SEEK_HOLE);

    return next < 0 ? end : min_u64((uint64_t)next, end);
}

/* Notes size bytes at offset from the start of what was asked for; the sum. */
static uint64_t note(uint64_t from, uint64_t size, unsigned char *pages)
{
    if (pages)
        memset(pages + from / MEM_PAGE, 1, size / MEM_PAGE);
    return size;
}

/* What the image still has of [offset + from, offset + end), which is in one chunk. */
static uint64_t note_absent(const struct memfile *memfile, uint64_t offset, uint64_t from,
                            uint64_t end, unsigned char *pages)
{
    uint16_t mask = memfile_absent_pages(memfile, offset + from);
    uint64_t sum = 0;

    for (; mask != 0 && from < end; from += MEM_PAGE)
        if (mask >> (offset + from) % MEM_CHUNK / MEM_PAGE & 1)
            sum += note(from, MEM_PAGE, pages);
    return sum;
}

/* The same for a hole, to its end or to what has been loaded since it was seen: that is *at then.
 */
static uint64_t note_hole(const struct memfile *memfile, uint64_t offset, uint64_t *at,
                          uint64_t end, unsigned char *pages)
{
    uint64_t sum = 0, stop, some;

    for (; *at < end; *at = stop) {
        stop = min_u64(CHUNK_DOWN(*at) + MEM_CHUNK, end);
        some = note_absent(memfile, offset, *at - offset, stop - offset, pages);
        if (some == 0 && find_content(memfile, *at, stop) < stop)
            break;
        sum += some;
    }
    return sum;
}

uint64_t mm_resident_run(const struct memfile *memfile, uint64_t offset, uint64_t size,
                         unsigned char *pages)
{
    bool is_loading = memfile_absent_count(memfile) > 0;
    uint64_t at = offset, end = offset + size, sum = 0;

    while (at < end) {
        uint64_t content = find_content(memfile, at, end), stop;

        if (is_loading)
            sum += note_hole(memfile, offset, &at, content, pages);
        else
            at = content;
        if (at == end)
            break;
        if (at < content)
            continue;
        stop = find_hole(memfile, at, end);
        sum += note(at - offset, stop - at, pages);
        at = stop;
    }
    return sum;
}

uint64_t mm_resident_size(const struct mm *mm, const struct pma *pma)
{
    uint64_t size = pma->end - pma->start;

    return pma_is_memory(pma) ? mm_resident_run(mm->kernel->memfile, pma->offset, size, NULL)
                              : size;
}

/* Pages of a file in memory that are not mapped yet, but there: those of address's chunk. */
static void note_file(const struct mm *mm, const struct vma *vma, guest_addr_t start,
                      guest_addr_t end, unsigned char *pages)
{
    uint64_t run;

    while (start < end) {
        uint64_t offset = vma->offset + (start - vma->start), skew = offset % MEM_CHUNK;
        uint64_t size = min_u64(end - start, MEM_CHUNK - skew);

        if (mapping_run(vma->mapping, offset, false, false, &run) == 0)
            (void)mm_resident_run(mm->kernel->memfile, run + skew, size, pages);
        pages += size / MEM_PAGE;
        start += size;
    }
}

/* [start, end) is in vma; pages are zero. */
static void note_vma(const struct mm *mm, const struct vma *vma, guest_addr_t start,
                     guest_addr_t end, unsigned char *pages)
{
    guest_addr_t first = start;

    while (start < end) {
        const struct pma *pma = pma_find(mm, start);
        guest_addr_t stop = pma && pma->start <= start ? pma->end : pma ? pma->start : end;
        unsigned char *to = pages + (start - first) / MEM_PAGE;

        stop = min_u64(stop, end);
        if (pma && pma->start <= start && pma_is_memory(pma))
            (void)mm_resident_run(mm->kernel->memfile, pma_offset(pma, start), stop - start, to);
        else if (pma && pma->start <= start)
            (void)note(0, stop - start, to);
        else if (vma->mapping && !mapping_is_host(vma->mapping))
            note_file(mm, vma, start, stop, to);
        start = stop;
    }
}

int mm_mincore(struct mm *mm, guest_addr_t address, size_t count, unsigned char *ret)
{
    guest_addr_t at = address, end = address + count * MEM_PAGE;
    int err = 0;

    if (end < address || end > GUEST_ADDRESS_END)
        return -ENOMEM;
    memset(ret, 0, count);
    mm_lock(mm);
    while (err == 0 && at < end) {
        const struct vma *vma = vma_at(mm, at);

        if (!vma) {
            err = -ENOMEM;
            break;
        }
        note_vma(mm, vma, at, min_u64(end, vma->end), ret + (at - address) / MEM_PAGE);
        at = vma->end;
    }
    mm_unlock(mm);
    return err;
}
