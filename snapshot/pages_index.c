/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.idx: a sequence of zstd frames, each a packed PagesBlock of at most BLOCK_ENTRIES chunks.
 * A frame says its size, which has a limit, so a reader needs no more memory than the entries that
 * it has checked take. In memory it is a vector, sorted by chunk once it is complete.
 */
#include "snapshot/pages_index.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "core/base/bytes.h"
#include "core/base/host.h"
#include "snapshot/message.h"
#include "snapshot/pages.pb-c.h"

enum {
    BLOCK_ENTRIES = 4096,
    BLOCK_SIZE_MAX = 256 << 10, /* packed: at most 36 bytes an entry */
    LEVEL = -1,
    CHUNK_PAGES = MEM_CHUNK / MEM_PAGE,
};

uint32_t pages_size(uint16_t mask)
{
    return (uint32_t)__builtin_popcount(mask) * (uint32_t)MEM_PAGE;
}

int pages_index_add(struct pages_index *index, const struct pages_entry *entry)
{
    if (index->count == index->capacity) {
        uint64_t capacity = index->capacity ? 2 * index->capacity : 256;
        struct pages_entry *entries = host_alloc(capacity, sizeof(*entries));
        if (entries == NULL)
            return -ENOMEM;
        if (index->count > 0)
            memcpy(entries, index->entries, index->count * sizeof(*entries));
        host_free(index->entries);
        index->entries = entries;
        index->capacity = capacity;
    }
    index->entries[index->count++] = *entry;
    return 0;
}

void pages_index_fini(struct pages_index *index)
{
    host_free(index->entries);
    *index = (struct pages_index){0};
}

/* --- writing --- */

/* The columns of one block. */
struct columns {
    uint64_t chunk[BLOCK_ENTRIES], offset[BLOCK_ENTRIES], checksum[BLOCK_ENTRIES];
    uint32_t size[BLOCK_ENTRIES], mask[BLOCK_ENTRIES];
    protobuf_c_boolean is_raw[BLOCK_ENTRIES];
    uint8_t packed[BLOCK_SIZE_MAX];
};

static size_t pack_block(struct columns *columns, const struct pages_entry *entries, size_t count)
{
    PagesBlock block = PAGES_BLOCK__INIT;

    for (size_t i = 0; i < count; i++) {
        columns->chunk[i] = entries[i].chunk;
        columns->offset[i] = entries[i].offset;
        columns->size[i] = entries[i].size;
        columns->mask[i] = entries[i].mask;
        columns->checksum[i] = entries[i].checksum;
        columns->is_raw[i] = entries[i].is_raw;
    }
    block.n_chunk = block.n_offset = block.n_size = count;
    block.n_mask = block.n_checksum = block.n_is_raw = count;
    block.chunk = columns->chunk;
    block.offset = columns->offset;
    block.size = columns->size;
    block.mask = columns->mask;
    block.checksum = columns->checksum;
    block.is_raw = columns->is_raw;
    assert(pages_block__get_packed_size(&block) <= sizeof(columns->packed));
    return pages_block__pack(&block, columns->packed);
}

static int compare_chunks(const void *a, const void *b)
{
    const struct pages_entry *one = a, *other = b;

    return one->chunk < other->chunk ? -1 : one->chunk > other->chunk;
}

/* The frames of all blocks, one after the other. */
static int make_frames(const struct pages_index *index, struct columns *columns,
                       struct bytes *frames)
{
    size_t bound = ZSTD_compressBound(sizeof(columns->packed)), count;

    for (uint64_t i = 0; i < index->count; i += count) {
        count = index->count - i < BLOCK_ENTRIES ? (size_t)(index->count - i) : BLOCK_ENTRIES;
        size_t size = pack_block(columns, &index->entries[i], count);
        int err = bytes_reserve(frames, bound);
        if (err < 0)
            return err;
        size = ZSTD_compress(frames->data + frames->size, bound, columns->packed, size, LEVEL);
        if (ZSTD_isError(size))
            return -ENOMEM; /* the bound is enough: nothing else can fail */
        frames->size += size;
    }
    return 0;
}

int pages_index_write(struct pages_index *index, int fd, struct image_file *ret)
{
    struct columns *columns = host_alloc(1, sizeof(*columns));
    struct bytes frames = {0};
    int err = columns == NULL ? -ENOMEM : 0;

    if (index->count > 0)
        qsort(index->entries, index->count, sizeof(*index->entries), compare_chunks);
    for (uint64_t i = 1; i < index->count; i++)
        assert(index->entries[i - 1].chunk < index->entries[i].chunk);
    if (err == 0)
        err = make_frames(index, columns, &frames);
    if (err == 0)
        err = host_pwrite_all(fd, frames.data, frames.size, 0);
    if (err == 0) {
        ret->size = frames.size;
        image_digest(frames.data, frames.size, ret->digest);
    }
    bytes_fini(&frames);
    host_free(columns);
    return err;
}

/* --- reading --- */

struct index_reader {
    struct pages_index *index;
    uint64_t img_size, chunk_end;
    uint64_t stored; /* bytes of pages.img that entries have named */
    struct report *report;
    XXH3_state_t *state;
    uint8_t *block; /* BLOCK_SIZE_MAX */
    /* The file from position on: window[0, window_size). */
    int fd;
    uint64_t file_size, position;
    size_t window_size, window_max;
    uint8_t *window;
};

static int bad(struct index_reader *reader, const char *what)
{
    report_bad(reader->report, PAGES_INDEX_NAME ": %s", what);
    return -EINVAL;
}

static int bad_chunk(struct index_reader *reader, uint64_t chunk, const char *what)
{
    report_bad(reader->report, PAGES_INDEX_NAME ": chunk %" PRIu64 ": %s", chunk, what);
    return -EINVAL;
}

static int check_entry(struct index_reader *reader, const struct pages_entry *entry, uint32_t mask)
{
    const struct pages_index *index = reader->index;
    uint32_t size = pages_size(entry->mask);

    if (index->count > 0 && entry->chunk <= index->entries[index->count - 1].chunk)
        return bad_chunk(reader, entry->chunk, "out of order, or there twice");
    if (entry->chunk >= reader->chunk_end)
        return bad_chunk(reader, entry->chunk, "past the end of the memory");
    if (mask >> CHUNK_PAGES != 0)
        return bad_chunk(reader, entry->chunk, "it has more pages than a chunk");
    if (entry->is_raw ? entry->size != size : entry->size == 0 || entry->size >= size)
        return bad_chunk(reader, entry->chunk, "its size does not fit its pages");
    if (entry->offset > reader->img_size || entry->size > reader->img_size - entry->offset)
        return bad_chunk(reader, entry->chunk, "it lies past the end of " PAGES_IMG_NAME);
    return 0;
}

static int add_entries(struct index_reader *reader, const PagesBlock *block)
{
    size_t count = block->n_chunk;

    if (count == 0 || count > BLOCK_ENTRIES || block->n_offset != count || block->n_size != count ||
        block->n_mask != count || block->n_checksum != count || block->n_is_raw != count)
        return bad(reader, "a block whose columns differ in length, or have none");
    if (block->base.n_unknown_fields > 0)
        return bad(reader, "a block has an unknown field");
    for (size_t i = 0; i < count; i++) {
        struct pages_entry entry = {.chunk = block->chunk[i],
                                    .offset = block->offset[i],
                                    .checksum = block->checksum[i],
                                    .size = block->size[i],
                                    .mask = (uint16_t)block->mask[i],
                                    .is_raw = block->is_raw[i]};
        int err = check_entry(reader, &entry, block->mask[i]);
        if (err == 0)
            err = pages_index_add(reader->index, &entry);
        if (err < 0)
            return err;
        reader->stored += entry.size;
    }
    return 0;
}

static int read_block(struct index_reader *reader, size_t frame_size)
{
    unsigned long long size = ZSTD_getFrameContentSize(reader->window, frame_size);
    bool has_failed = false;
    ProtobufCAllocator allocator = message_allocator(&has_failed);

    if (size == 0 || size > BLOCK_SIZE_MAX) /* or not known, or no frame at all */
        return bad(reader, "a frame without a size, or too large");
    if (ZSTD_decompress(reader->block, size, reader->window, frame_size) != size)
        return bad(reader, "a frame cannot be decompressed");
    PagesBlock *block = pages_block__unpack(&allocator, size, reader->block);
    if (block == NULL)
        return has_failed ? -ENOMEM : bad(reader, "a frame holds no block");
    int err = add_entries(reader, block);
    pages_block__free_unpacked(block, &allocator);
    return err;
}

/* Fills the window up. */
static int read_on(struct index_reader *reader)
{
    uint64_t at = reader->position + reader->window_size, left = reader->file_size - at;
    size_t size = reader->window_max - reader->window_size;

    if (size > left)
        size = (size_t)left;
    int err = host_pread_all(reader->fd, reader->window + reader->window_size, size, at);
    if (err < 0)
        return err;
    (void)XXH3_128bits_update(reader->state, reader->window + reader->window_size, size);
    reader->window_size += size;
    return 0;
}

static int read_frames(struct index_reader *reader)
{
    int err = read_on(reader);

    while (err == 0 && reader->window_size > 0) {
        size_t size = ZSTD_findFrameCompressedSize(reader->window, reader->window_size);
        if (ZSTD_isError(size))
            return bad(reader, "no frame, or one that is cut off");
        err = read_block(reader, size);
        reader->position += size;
        reader->window_size -= size;
        memmove(reader->window, reader->window + size, reader->window_size);
        if (err == 0)
            err = read_on(reader);
    }
    return err;
}

static int read_whole(struct index_reader *reader, const struct image_file *file)
{
    char digest[IMAGE_DIGEST_SIZE];
    int err = read_frames(reader);

    if (err < 0)
        return err;
    image_digest_print(reader->state, digest);
    if (strcmp(digest, file->digest) != 0)
        return bad(reader, "its digest is not that of the manifest");
    if (reader->stored != reader->img_size)
        return bad(reader, "does not account for all bytes of " PAGES_IMG_NAME);
    return 0;
}

int pages_index_read(struct pages_index *index, int fd, const struct image_file *file,
                     uint64_t img_size, uint64_t chunk_end, struct report *report)
{
    struct index_reader reader = {.index = index,
                                  .img_size = img_size,
                                  .chunk_end = chunk_end,
                                  .report = report,
                                  .fd = fd,
                                  .file_size = file->size,
                                  .window_max = ZSTD_compressBound(BLOCK_SIZE_MAX)};
    int err = -ENOMEM;

    reader.state = XXH3_createState();
    reader.block = host_alloc(1, BLOCK_SIZE_MAX);
    reader.window = host_alloc(1, reader.window_max);
    if (reader.state != NULL && reader.block != NULL && reader.window != NULL) {
        (void)XXH3_128bits_reset(reader.state);
        err = read_whole(&reader, file);
    }
    host_free(reader.window);
    host_free(reader.block);
    (void)XXH3_freeState(reader.state);
    return err;
}
