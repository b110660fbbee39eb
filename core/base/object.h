/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

struct object;

/* What an object can stand for besides itself: checked where a reference may be of several types.
 */
enum object_family { OBJECT_PLAIN, OBJECT_INODE };

/* What all objects of one kind share. Part of a struct snapshot_type, made by DEFINE_OBJECT_TYPE.
 */
struct object_type {
    const char *name;
    size_t size;
    enum object_family family;
    void (*init)(struct object *object); /* makes a zeroed object an empty one: locks, list heads */
    void (*fini)(struct object *object); /* drops all it holds; legal when half built, and twice */
};

/* First member of whatever is referenced from more than one place. */
struct object {
    const struct object_type *type;
    atomic_uint count;
    struct object *next_dead;
};

/* Returns a reference to an empty object; NULL: no memory. */
void *object_alloc(const struct object_type *type);

/* Returns a reference: object itself, which may be NULL. */
void *object_get(struct object *object);

/* Takes the reference. The last one finishes and frees the object. Accepts NULL. No lock is held
 * that a fini may take. */
void object_put(struct object *object);

/* Returns a reference unless the last one is gone already (then NULL): for lookups in tables that
 * hold no reference and whose lock the fini takes. */
void *object_get_live(struct object *object);

/* Objects that exist: a test expects 0 at its end. */
size_t object_live_count(void);
