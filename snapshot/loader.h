/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/snapshot.h"

/* Private to snapshot/: the state of a load. */

struct load_entry {
    struct object *object;            /* NULL: advisory and unknown, skipped */
    const struct snapshot_type *type; /* of object */
    uint64_t derived;                 /* as saved; 0: not recorded */
};

struct loader {
    const struct snapshot_types *types;
    struct report *report;
    void *context;
    int64_t now;
    uint64_t expected_count;
    struct load_entry *entries;
    uint64_t count;
    uint64_t capacity;
    uint64_t current; /* the id that load_bad speaks of */
    int err;          /* -ENOMEM, met where it cannot be returned */
    ProtobufCAllocator allocator;
    bool is_out_of_memory; /* says the allocator */
};

/* Reports the fields of the current object that are not known here, unless they are advisory. */
void loader_check_unknown(struct loader *loader, Object *message);
