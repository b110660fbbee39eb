/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counted objects. The last put runs the type's fini, which puts what the object held. Objects that
 * die in that course are queued, not freed on the spot, so a chain of any length needs no stack.
 * Cycles of references are not collected here: who makes one breaks it (sockets by their collector,
 * a failed load and the end of a sandbox by running fini on every object before the first put).
 */
#include "core/base/object.h"

#include <assert.h>

#include "core/base/host.h"

static atomic_size_t live_count;

/* Objects that this thread has to free; last_dead is NULL when no put is under way. */
static _Thread_local struct object *first_dead;
static _Thread_local struct object **last_dead;

void *object_alloc(const struct object_type *type)
{
    struct object *object = host_alloc(1, type->size);

    if (object == NULL)
        return NULL;
    object->type = type;
    atomic_init(&object->count, 1);
    type->init(object);
    atomic_fetch_add(&live_count, 1);
    return object;
}

void *object_get(struct object *object)
{
    if (object != NULL) {
        unsigned before = atomic_fetch_add(&object->count, 1);
        assert(before > 0);
    }
    return object;
}

void *object_get_live(struct object *object)
{
    unsigned count = atomic_load(&object->count);

    while (count > 0) {
        if (atomic_compare_exchange_weak(&object->count, &count, count + 1))
            return object;
    }
    return NULL;
}

static void free_dead(void)
{
    while (first_dead != NULL) {
        struct object *object = first_dead;
        object->type->fini(object);
        first_dead = object->next_dead;
        if (first_dead == NULL)
            last_dead = NULL;
        host_free(object);
        atomic_fetch_sub(&live_count, 1);
    }
}

void object_put(struct object *object)
{
    if (object == NULL)
        return;
    unsigned before = atomic_fetch_sub(&object->count, 1);
    assert(before > 0);
    if (before > 1)
        return;
    if (last_dead != NULL) { /* called from a fini: free_dead, further up, will come to it */
        *last_dead = object;
        last_dead = &object->next_dead;
        return;
    }
    first_dead = object;
    last_dead = &object->next_dead;
    free_dead();
}

size_t object_live_count(void)
{
    return atomic_load(&live_count);
}
