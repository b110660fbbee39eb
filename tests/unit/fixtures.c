/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds for the tests of saving and loading. The table needs a fixture for every line of
 * objects.def, else the tests do not link.
 */
#include "tests/unit/fixtures.h"

#include <assert.h>
#include <stdio.h>

#include "core/base/container.h"
#include "tests/unit/fixtures/trees.h"

enum { WORLD_MEMORY = 256 << 20 };

const struct fixture fixtures[] = {
#define OBJECT(TAG, name) {#name, fixture_##name},
#include "core/objects.def"
#undef OBJECT
};

const size_t fixture_count = ARRAY_COUNT(fixtures);

void world_init(struct world *world, nsec_t now)
{
    const struct kernel_options options = {.memory_limit = WORLD_MEMORY, .ghost_limit = 1 << 20};

    *world = (struct world){0};
    int err = kernel_create(&options, &world->kernel);
    assert(err == 0);
    world->kernel->clock.stopped_at = now;
    trees_donate(&world->kernel->vfs);
}

void world_clear(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        world->roots[i]->type->fini(world->roots[i]);
    for (size_t i = 0; i < world->count; i++)
        object_put(world->roots[i]);
    world->count = 0;
    world->kernel->machine = NULL; /* it was borrowed from a root */
}

void world_fini(struct world *world)
{
    world_clear(world);
    kernel_free(world->kernel);
}

void *world_add(struct world *world, void *object)
{
    assert(object != NULL && world->count < WORLD_ROOTS);
    world->roots[world->count++] = object;
    return object;
}

struct kernel_image world_save(const struct world *world, const struct snapshot_types *types)
{
    struct kernel_image image = {0};
    struct report report = {0};
    const struct snapshot_save_options options = {
        .now = clock_now(&world->kernel->clock),
        .with_derived = true,
        .context = world->kernel,
        .types = types,
        .report = &report,
    };

    int err = snapshot_save(world->roots, world->count, &options, &image);
    for (size_t i = 0; i < report.line_count; i++)
        (void)fprintf(stderr, "%s\n", report.lines[i]);
    assert(err == 0);
    return image;
}

int world_load(struct world *world, const struct kernel_image *image,
               const struct snapshot_types *types, struct report *report)
{
    assert(world->count == 0 && image->root_count <= WORLD_ROOTS);
    int err = snapshot_load(types, image, clock_now(&world->kernel->clock), world->kernel, report,
                            world->roots);

    if (err == 0)
        world->count = image->root_count;
    else
        world->kernel->machine = NULL;
    return err;
}
