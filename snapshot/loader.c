/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading an image, which is hostile input. Four passes: every object is made by id and type; then
 * each is loaded, seeing others only as references; then, if nothing was bad, each is relinked,
 * type by type in the order of objects.def; then the result is checked. The first two decode the
 * image each for itself, so that one message at a time is in memory.
 *
 * 1. entries[id - 1] is object id, and the loader holds a reference to it until the end.
 * 2. Counts are made by load_ref: what a loaded object holds is counted as it is stored.
 * 3. A bad field is reported and the load goes on, so one report has all that is wrong.
 * 4. A failed load runs fini on every object, which drops what they hold of each other, before the
 *    loader puts its references: then all counts end at 0, cycles or not.
 */
#include "snapshot/loader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "snapshot/message.h"

static int reserve_entry(struct loader *loader)
{
    uint64_t capacity = loader->capacity * 2 + 64;

    if (loader->count < loader->capacity)
        return 0;
    struct load_entry *entries = host_alloc(capacity, sizeof(*entries));
    if (entries == NULL)
        return -ENOMEM;
    if (loader->count > 0)
        memcpy(entries, loader->entries, loader->count * sizeof(*entries));
    host_free(loader->entries);
    loader->entries = entries;
    loader->capacity = capacity;
    return 0;
}

static int decode(struct loader *loader, const uint8_t *packed, size_t size, Object **ret)
{
    Object *message = object__unpack(&loader->allocator, size, packed);

    if (message == NULL && loader->is_out_of_memory)
        return -ENOMEM;
    if (message == NULL) {
        report_bad(loader->report, "object %" PRIu64 ": message: cannot be decoded",
                   loader->current);
        return -EINVAL;
    }
    *ret = message;
    return 0;
}

static int add_entry(struct loader *loader, Object *message)
{
    const struct snapshot_type *type = loader->types->of(message->body_case);
    struct load_entry *entry = &loader->entries[loader->count++];

    *entry = (struct load_entry){.type = type, .derived = message->derived};
    if (message->id != loader->count)
        load_bad(loader, "id", "is %" PRIu64, message->id);
    loader_check_unknown(loader, message);
    if (type == NULL) {
        if (message->base.n_unknown_fields == 0)
            load_bad(loader, "body", "is missing");
        return 0;
    }
    entry->object = object_alloc(&type->object);
    return entry->object == NULL ? -ENOMEM : 0;
}

/* First pass. */
static int make_object(void *context, const uint8_t *packed, size_t size)
{
    struct loader *loader = context;
    Object *message;

    loader->current = loader->count + 1;
    if (loader->count == loader->expected_count) {
        report_bad(loader->report, "kernel.img: more than the %" PRIu64 " objects expected",
                   loader->expected_count);
        return -EINVAL;
    }
    int err = reserve_entry(loader);
    if (err == 0)
        err = decode(loader, packed, size, &message);
    if (err < 0)
        return err;
    err = add_entry(loader, message);
    object__free_unpacked(message, &loader->allocator);
    return err;
}

/* Second pass. */
static int load_object(void *context, const uint8_t *packed, size_t size)
{
    struct loader *loader = context;
    const struct load_entry *entry = &loader->entries[loader->current++];
    Object *message;

    if (entry->object == NULL)
        return 0;
    int err = decode(loader, packed, size, &message);
    if (err < 0)
        return err;
    err =
        entry->type->load(entry->object, loader, *message_body(&message->base, message->body_case));
    object__free_unpacked(message, &loader->allocator);
    return err < 0 ? err : loader->err;
}

static int load_objects(struct loader *loader, const struct kernel_image *image)
{
    int err = kernel_image_read(image, make_object, loader, loader->report);

    if (err < 0)
        return err;
    if (loader->count != image->object_count || image->root_count > loader->count) {
        report_bad(loader->report, "kernel.img: %" PRIu64 " objects, not the %" PRIu64 " expected",
                   loader->count, image->object_count);
        return -EINVAL;
    }
    for (uint64_t i = 0; i < image->root_count; i++) {
        loader->current = i + 1;
        if (loader->entries[i].object == NULL)
            load_bad(loader, "body", "a root is missing");
    }
    loader->current = 0;
    return kernel_image_read(image, load_object, loader, loader->report);
}

static void relink_objects(struct loader *loader)
{
    for (size_t t = 0; t < loader->types->count; t++) {
        for (uint64_t i = 0; i < loader->count; i++) {
            const struct load_entry *entry = &loader->entries[i];
            loader->current = i + 1;
            if (entry->object != NULL && entry->type == loader->types->list[t])
                entry->type->relink(entry->object, loader);
        }
    }
}

static void check_objects(struct loader *loader, uint64_t root_count)
{
    for (uint64_t i = 0; i < loader->count; i++) {
        const struct load_entry *entry = &loader->entries[i];
        loader->current = i + 1;
        if (entry->object == NULL)
            continue;
        if (i >= root_count && atomic_load(&entry->object->count) == 1)
            load_bad(loader, "count", "no object holds it");
        uint64_t derived = entry->type->derived(entry->object);
        if (entry->derived != 0 && entry->derived != derived)
            load_bad(loader, "derived", "is %" PRIx64 " after relink, was %" PRIx64, derived,
                     entry->derived);
    }
}

static void loader_fini(struct loader *loader, int err)
{
    for (uint64_t i = 0; err < 0 && i < loader->count; i++) {
        struct object *object = loader->entries[i].object;
        if (object != NULL)
            object->type->fini(object);
    }
    for (uint64_t i = 0; i < loader->count; i++)
        object_put(loader->entries[i].object);
    host_free(loader->entries);
}

int snapshot_load(const struct snapshot_types *types, const struct kernel_image *image, int64_t now,
                  void *context, struct report *report, struct object *roots[])
{
    struct loader loader = {
        .types = types,
        .report = report,
        .context = context,
        .now = now,
        .expected_count = image->object_count,
    };
    loader.allocator = message_allocator(&loader.is_out_of_memory);
    size_t bad_before = report->bad_count;
    int err = load_objects(&loader, image);

    if (err == 0 && report->bad_count == bad_before) {
        relink_objects(&loader);
        check_objects(&loader, image->root_count);
        err = loader.err;
    }
    if (err == 0 && report->bad_count > bad_before)
        err = -EINVAL;
    for (uint64_t i = 0; err == 0 && i < image->root_count; i++)
        roots[i] = object_get(loader.entries[i].object);
    loader_fini(&loader, err);
    return err;
}
