/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of sbx-inspect verify that is about memory: the two trees of each address space, and the
 * chunks of pages.img, each of which is read, checked and compared with what objects own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/pages_writer.h"
#include "tools/inspect/memory.h"
#include "tools/inspect/problems.h"

enum { SOURCE_RUN = 1, SOURCE_HOST = 3 };

/* --- address spaces --- */

static bool is_range(uint64_t start, uint64_t end)
{
    return start < end && start % MEM_PAGE == 0 && end % MEM_PAGE == 0;
}

/* Both lists rise, or it has been told that they do not; *next is where the last one was. */
static bool is_inside(const Mm *mm, const Pma *pma, size_t *next)
{
    while (*next < mm->n_vmas && mm->vmas[*next]->end <= pma->start)
        (*next)++;
    return *next < mm->n_vmas && mm->vmas[*next]->start <= pma->start &&
           pma->end <= mm->vmas[*next]->end;
}

static void check_vmas(struct problems *problems, const struct image *image, uint64_t id,
                       const Mm *mm)
{
    uint64_t end = 0;

    for (size_t i = 0; i < mm->n_vmas; i++) {
        const Vma *vma = mm->vmas[i];
        if (!is_range(vma->start, vma->end) || vma->start < end)
            problems_add_object(problems, image, id, "vmas",
                                "%" PRIx64 "-%" PRIx64 " is no range, or out of order", vma->start,
                                vma->end);
        end = vma->end;
    }
}

static void check_pmas(struct problems *problems, const struct image *image, uint64_t id,
                       const Mm *mm)
{
    uint64_t end = 0;
    size_t next = 0;

    for (size_t i = 0; i < mm->n_pmas; i++) {
        const Pma *pma = mm->pmas[i];
        const char *what = NULL;
        if (!is_range(pma->start, pma->end) || pma->start < end)
            what = "is no range, or out of order";
        else if (!is_inside(mm, pma, &next))
            what = "is not in one vma";
        else if (pma->source < SOURCE_RUN || pma->source > SOURCE_HOST)
            what = "has an unknown source";
        else if (pma->offset % MEM_PAGE != 0)
            what = "has an offset that makes no sense";
        if (what != NULL)
            problems_add_object(problems, image, id, "pmas", "%" PRIx64 "-%" PRIx64 " %s",
                                pma->start, pma->end, what);
        end = pma->end;
    }
}

void verify_mms(struct problems *problems, const struct image *image)
{
    for (uint64_t id = 1; id <= image->count; id++) {
        const Mm *mm = image_body(image, id, OBJECT__BODY_MM);
        if (mm == NULL)
            continue;
        check_vmas(problems, image, id, mm);
        check_pmas(problems, image, id, mm);
    }
}

/* --- what owns memory --- */

/* Chunks from first to last. */
struct owned {
    uint64_t first, last;
};

struct owners {
    struct owned *ranges;
    size_t count, capacity;
    bool is_out_of_memory;
};

static void own(struct owners *owners, uint64_t offset, uint64_t size)
{
    if (size == 0 || offset + size < offset)
        return;
    if (owners->count == owners->capacity) {
        size_t capacity = 2 * owners->capacity + 64;
        struct owned *ranges = realloc(owners->ranges, capacity * sizeof(*ranges));
        owners->is_out_of_memory |= ranges == NULL;
        if (ranges == NULL)
            return;
        owners->ranges = ranges;
        owners->capacity = capacity;
    }
    owners->ranges[owners->count++] =
        (struct owned){offset / MEM_CHUNK, (offset + size - 1) / MEM_CHUNK};
}

static void own_mapping(struct owners *owners, const Mapping *mapping)
{
    for (size_t i = 0; mapping != NULL && i < mapping->n_extents; i++)
        own(owners, mapping->extents[i]->offset, MEM_CHUNK);
}

static void own_object(struct owners *owners, const struct image *image, uint64_t id)
{
    const Machine *machine = image_body(image, id, OBJECT__BODY_MACHINE);
    const Mm *mm = image_body(image, id, OBJECT__BODY_MM);
    const TmpfsInode *tmpfs = image_body(image, id, OBJECT__BODY_TMPFS_INODE);
    const HostfsInode *hostfs = image_body(image, id, OBJECT__BODY_HOSTFS_INODE);
    const OverlayInode *overlay = image_body(image, id, OBJECT__BODY_OVERLAY_INODE);

    if (machine != NULL)
        own(owners, machine->vdso_offset, MEM_CHUNK);
    for (size_t i = 0; mm != NULL && i < mm->n_pmas; i++)
        if (mm->pmas[i]->source != SOURCE_HOST)
            own(owners, mm->pmas[i]->offset, mm->pmas[i]->end - mm->pmas[i]->start);
    if (tmpfs != NULL)
        own_mapping(owners, tmpfs->mapping);
    if (hostfs != NULL)
        own_mapping(owners, hostfs->mapping);
    if (overlay != NULL)
        own_mapping(owners, overlay->mapping);
}

static int compare_owned(const void *a, const void *b)
{
    const struct owned *first = a, *second = b;

    return first->first < second->first ? -1 : first->first > second->first;
}

/* Sorted, and joined where they touch. */
static void collect_owners(struct owners *owners, const struct image *image)
{
    size_t kept = 0;

    for (uint64_t id = 1; id <= image->count; id++)
        own_object(owners, image, id);
    if (owners->count > 0)
        qsort(owners->ranges, owners->count, sizeof(*owners->ranges), compare_owned);
    for (size_t i = 1; i < owners->count; i++) {
        struct owned *last = &owners->ranges[kept];
        if (owners->ranges[i].first > last->last)
            owners->ranges[++kept] = owners->ranges[i];
        else if (owners->ranges[i].last > last->last)
            last->last = owners->ranges[i].last;
    }
    if (owners->count > 0)
        owners->count = kept + 1;
}

/* --- pages --- */

struct checking {
    struct problems *problems;
    struct pages_reader *reader;
    struct owners owners;
    size_t next; /* of owners: chunks come in order */
    bool has_owners;
    uint8_t content[MEM_CHUNK];
};

static int check_chunk(void *context, uint64_t chunk, uint16_t mask)
{
    struct checking *checking = context;
    struct owners *owners = &checking->owners;
    const char *what = "";
    char where[48];

    (void)snprintf(where, sizeof(where), "chunk %" PRIu64, chunk);
    if (pages_reader_get(checking->reader, chunk, checking->content, &mask, &what) < 0)
        problems_add(checking->problems, PAGES_IMG_NAME, where, "%s", what);
    while (checking->next < owners->count && owners->ranges[checking->next].last < chunk)
        checking->next++;
    bool is_owned = checking->next < owners->count && owners->ranges[checking->next].first <= chunk;
    if (checking->has_owners && !is_owned)
        problems_add(checking->problems, PAGES_INDEX_NAME, where, "belongs to no object");
    return 0;
}

void verify_pages(struct problems *problems, struct image *image)
{
    struct checking *checking = calloc(1, sizeof(*checking));
    struct report report = {0};
    int err = checking == NULL ? -ENOMEM : memory_open_pages(image, &report, &checking->reader);

    problems_take(problems, &report);
    if (err == 0) {
        checking->problems = problems;
        collect_owners(&checking->owners, image);
        checking->has_owners = image->count > 0 && !checking->owners.is_out_of_memory;
        (void)pages_reader_each(checking->reader, check_chunk, checking);
        uint64_t count = pages_reader_chunk_count(checking->reader);
        if (count != image->manifest->counts->chunks)
            problems_add(problems, MANIFEST_NAME, "counts.chunks",
                         "says %" PRIu64 ", there are %" PRIu64, image->manifest->counts->chunks,
                         count);
        pages_reader_free(checking->reader);
    }
    if (checking != NULL)
        free(checking->owners.ranges);
    free(checking);
}
