/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restore: chunks get the content that an image has for them. Through the map where it is advised,
 * since only that makes folios; else by pwrite, which costs half as much for a page of 4 KB.
 */
#include <assert.h>
#include <errno.h>

#include "core/base/host.h"
#include "platform/memfile_struct.h"

static int write_pages(struct memfile *memfile, uint64_t offset, const char *from, size_t size)
{
    int err;

    if (atomic_load(&memfile->advised[offset / MEM_FOLIO]))
        err = host_copy_guarded(memfile->map + offset, from, size);
    else
        err = host_pwrite_all(memfile->fd, from, size, offset);
    return err == -EFAULT || err == -ENOSPC ? -ENOMEM : err;
}

int chunk_store(struct memfile *memfile, uint64_t chunk, uint16_t mask, const char *from)
{
    uint64_t offset = chunk * MEM_CHUNK;
    unsigned page = 0, next;
    int err;

    for (; mask >> page; page = next) {
        bool is_valid = mask >> page & 1;

        for (next = page + 1; mask >> next && (mask >> next & 1) == is_valid;)
            next++;
        if (!is_valid)
            continue;
        err = write_pages(memfile, offset + page * MEM_PAGE, from + page * MEM_PAGE,
                          (next - page) * MEM_PAGE);
        if (err < 0)
            return err;
    }
    return 0;
}

int memfile_fill(struct memfile *memfile, uint64_t chunk, uint16_t mask, const void *data)
{
    uint64_t word;
    int err;

    if (chunk >= memfile->chunk_count)
        return -EINVAL;
    do {
        word = chunk_idle_word(memfile, chunk);
        if (word_state(word) != CHUNK_PRESENT)
            return -EINVAL;
    } while (!chunk_claim(memfile, chunk, word));
    err = chunk_store(memfile, chunk, mask, data);
    chunk_release(memfile, chunk, word_make(CHUNK_PRESENT, atomic_load(&memfile->epoch), 0));
    return err;
}

int memfile_set_epoch(struct memfile *memfile, uint64_t epoch)
{
    /* Half of them are left to go on with. */
    if (epoch == 0 || epoch > EPOCH_LAST / 2)
        return -EINVAL;
    assert(atomic_load(&memfile->closing) == 0);
    atomic_store(&memfile->epoch, epoch);
    return 0;
}
