/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "core/kernel.h"
#include "core/objects.h"

enum { WORLD_ROOTS = 1024 };

/* The stopped clock of a world that fixtures fill: points in time are to differ from it. */
#define WORLD_NOW (INT64_C(1000) * NSEC_PER_SEC)

/* A kernel that never ran, and objects in it. */
struct world {
    struct kernel
        *kernel; /* gate frozen, clock stopped, a memfile, events; no platform, no stdio */
    struct object *roots[WORLD_ROOTS];
    size_t count;
};

/*
 * One fixture for each line of objects.def, in tests/unit/fixtures/NAME.c, written with the type:
 * fixture_NAME adds an object of its type first, then whatever holds or is held by it. Together
 * with what is nested in it every field of its message is to differ from its default (in one of the
 * objects of the type, where two fields exclude each other), and the derived number of the first
 * from 0. Each kind of wait record needs a task that waits so. A cycle of references needs one of
 * its objects among the roots.
 */
#define OBJECT(TAG, name) void fixture_##name(struct world *world);
#include "core/objects.def"
#undef OBJECT

struct fixture {
    const char *name;
    void (*build)(struct world *world);
};

extern const struct fixture fixtures[];
extern const size_t fixture_count;

void world_init(struct world *world, nsec_t now);
/* Runs fini on every root, which ends cycles, and puts them; the kernel stays. */
void world_clear(struct world *world);
/* Clears and frees the kernel. */
void world_fini(struct world *world);

/* Takes the reference; returns object. */
void *world_add(struct world *world, void *object);

/* Saves all that the roots reach; fails the test on an error. */
struct kernel_image world_save(const struct world *world, const struct snapshot_types *types);

/* Loads into an empty world: 0, or what snapshot_load gives (it is empty then). */
int world_load(struct world *world, const struct kernel_image *image,
               const struct snapshot_types *types, struct report *report);
