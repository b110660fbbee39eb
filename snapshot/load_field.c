/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What load and relink functions call: references and values are checked here, or reported.
 */
#include "snapshot/loader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/host.h"
#include "snapshot/message.h"

enum { ADVISORY_MIN = 1000 }; /* see objects.proto */

static const char *type_name(const struct loader *loader, uint64_t id)
{
    const struct load_entry *entry = &loader->entries[id - 1];

    return entry->type == NULL ? "object" : entry->type->object.name;
}

void load_bad(struct loader *loader, const char *field, const char *format, ...)
{
    char text[REPORT_LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    report_bad(loader->report, "%s %" PRIu64 ": %s: %s", type_name(loader, loader->current),
               loader->current, field, text);
}

void load_note(struct loader *loader, const char *field, const char *format, ...)
{
    char text[REPORT_LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    report_note(loader->report, "%s %" PRIu64 ": %s: %s", type_name(loader, loader->current),
                loader->current, field, text);
}

void *loader_context(const struct loader *loader)
{
    return loader->context;
}

static const struct load_entry *find_entry(struct loader *loader, const char *field, uint64_t id)
{
    if (id == 0 || id > loader->count) {
        load_bad(loader, field, "refers to object %" PRIu64 " of %" PRIu64, id, loader->count);
        return NULL;
    }
    const struct load_entry *entry = &loader->entries[id - 1];
    if (entry->object == NULL) {
        load_bad(loader, field, "refers to object %" PRIu64 ", whose type is unknown here", id);
        return NULL;
    }
    return entry;
}

void *load_weak(struct loader *loader, const char *field, uint64_t id,
                const struct snapshot_type *type)
{
    const struct load_entry *entry = find_entry(loader, field, id);

    if (entry == NULL)
        return NULL;
    if (type != NULL && entry->type != type) {
        load_bad(loader, field, "refers to %s %" PRIu64 ", which is no %s", type_name(loader, id),
                 id, type->object.name);
        return NULL;
    }
    return entry->object;
}

void *load_weak_opt(struct loader *loader, const char *field, uint64_t id,
                    const struct snapshot_type *type)
{
    return id == 0 ? NULL : load_weak(loader, field, id, type);
}

void *load_ref(struct loader *loader, const char *field, uint64_t id,
               const struct snapshot_type *type)
{
    return object_get(load_weak(loader, field, id, type));
}

void *load_ref_opt(struct loader *loader, const char *field, uint64_t id,
                   const struct snapshot_type *type)
{
    return object_get(load_weak_opt(loader, field, id, type));
}

void *load_ref_family(struct loader *loader, const char *field, uint64_t id,
                      enum object_family family)
{
    const struct load_entry *entry = find_entry(loader, field, id);

    if (entry == NULL)
        return NULL;
    if (entry->type->object.family != family) {
        load_bad(loader, field, "refers to %s %" PRIu64 ", which is of another kind",
                 type_name(loader, id), id);
        return NULL;
    }
    return object_get(entry->object);
}

char *load_string(struct loader *loader, const char *field, const char *text, size_t max)
{
    size_t size = strnlen(text, max + 1);

    if (size == 0 || size > max) {
        load_bad(loader, field, size == 0 ? "is empty" : "is longer than %zu bytes", max);
        return NULL;
    }
    char *copy = host_strdup(text);
    if (copy == NULL)
        loader->err = -ENOMEM;
    return copy;
}

int64_t load_time(struct loader *loader, const char *field, int64_t span)
{
    int64_t time;

    if (span == NSEC_NEVER)
        return NSEC_NEVER;
    if (__builtin_add_overflow(loader->now, span, &time) || time < 0) {
        load_bad(loader, field, "a span of %" PRId64 " ns is out of range", span);
        return 0;
    }
    return time;
}

/* Fields that are not known here: were they declared to be advisory? */
static int check_unknown(void *context, ProtobufCMessage *message, const char *path)
{
    struct loader *loader = context;

    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        uint32_t tag = message->unknown_fields[i].tag;
        if (tag < ADVISORY_MIN)
            load_bad(loader, path, "field %" PRIu32 " is unknown here", tag);
        else
            report_note(loader->report, "object %" PRIu64 ": %s: field %" PRIu32 " ignored",
                        loader->current, path, tag);
    }
    return 0;
}

void loader_check_unknown(struct loader *loader, Object *message)
{
    (void)message_visit(&message->base, "Object", check_unknown, loader);
}
