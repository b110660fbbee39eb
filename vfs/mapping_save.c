/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The saved form of the pages of a file in memory: its size and where its chunks are.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "vfs/mapping_extent.h"

int mapping_save(const struct mapping *mapping, struct saver *saver, Mapping **ret)
{
    struct mapping_extents *extents = (struct mapping_extents *)&mapping->extents;
    struct mapping_extent *extent;
    Mapping *message = save_message(saver, &mapping__descriptor);

    if (message == NULL)
        return -ENOMEM;
    message->size = mapping->size;
    message->seals = mapping->seals;
    message->extents =
        (void *)save_messages(saver, &mapping_extent__descriptor, mapping->extent_count);
    if (message->extents == NULL)
        return -ENOMEM;
    RB_FOREACH(extent, mapping_extents, extents) {
        message->extents[message->n_extents]->chunk = extent->chunk;
        message->extents[message->n_extents++]->offset = extent->offset;
    }
    *ret = message;
    return 0;
}

static int extent_load(struct mapping *mapping, struct loader *loader, const MappingExtent *message)
{
    struct mapping_extent *last = RB_MAX(mapping_extents, &mapping->extents);

    if (message->chunk > INT64_MAX / MEM_CHUNK || (last != NULL && message->chunk <= last->chunk)) {
        load_bad(loader, "mapping.extents.chunk", "%" PRIu64 " is out of order", message->chunk);
        return 0;
    }
    if (message->offset % MEM_CHUNK != 0 ||
        memfile_claim(mapping_memfile(), message->offset, MEM_CHUNK) < 0) {
        load_bad(loader, "mapping.extents.offset", "%" PRIx64 " is no chunk", message->offset);
        return 0;
    }
    struct mapping_extent *extent = host_alloc(1, sizeof(*extent));
    if (extent == NULL) {
        memfile_put(mapping_memfile(), message->offset, MEM_CHUNK);
        return -ENOMEM;
    }
    extent->chunk = message->chunk;
    extent->offset = message->offset;
    RB_INSERT(mapping_extents, &mapping->extents, extent);
    mapping->extent_count++;
    return 0;
}

int mapping_load(struct mapping *mapping, struct loader *loader, const Mapping *message)
{
    if (message == NULL)
        return 0;
    if (message->size > INT64_MAX) {
        load_bad(loader, "mapping.size", "%" PRIu64 " is too large", message->size);
        return 0;
    }
    mapping->size = message->size;
    mapping->seals = message->seals;
    if ((message->seals & ~(unsigned)MAPPING_SEALS) != 0)
        load_bad(loader, "mapping.seals", "unknown seal in %#x", message->seals);
    for (size_t i = 0; i < message->n_extents; i++) {
        int err = extent_load(mapping, loader, message->extents[i]);
        if (err < 0)
            return err;
    }
    return 0;
}
