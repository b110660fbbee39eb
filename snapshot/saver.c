/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving: a walk over everything that is reachable from the roots.
 *
 * save_ref gives an object the next id when it is first met and puts it at the end of a queue; the
 * walk takes objects from the front. So ids are in first-visit order (the same state gives the same
 * bytes), cycles end, and depth costs no stack. The ids live in the saver: objects are not touched.
 */
#include "snapshot/saver.h"

#include <errno.h>

#include "core/base/hash.h"
#include "core/base/host.h"
#include "snapshot/message.h"

/* An object met by the walk. */
struct visit {
    const struct object *object;
    uint64_t id;
    STAILQ_ENTRY(visit) link;
    UT_hash_handle hh; /* by object */
};

void saver_set_error(struct saver *saver, int err)
{
    if (saver->err == 0)
        saver->err = err;
}

uint64_t save_ref(struct saver *saver, const struct object *object)
{
    struct visit *visit;

    if (object == NULL)
        return 0;
    HASH_FIND_PTR(saver->visits, &object, visit);
    if (visit != NULL)
        return visit->id;
    visit = host_alloc(1, sizeof(*visit));
    if (visit == NULL) {
        saver_set_error(saver, -ENOMEM);
        return 0;
    }
    visit->object = object;
    HASH_ADD_PTR(saver->visits, object, visit);
    if (!HASH_IS_IN(visit)) {
        host_free(visit);
        saver_set_error(saver, -ENOMEM);
        return 0;
    }
    visit->id = ++saver->count;
    STAILQ_INSERT_TAIL(&saver->queue, visit, link);
    return visit->id;
}

static int save_object(struct saver *saver, const struct visit *visit, struct kernel_image *image)
{
    const struct snapshot_type *type = (const struct snapshot_type *)visit->object->type;
    Object message = OBJECT__INIT;
    void *body = save_message(saver, type->message);

    assert(saver->options->types->of(type->arm) == type);
    if (body == NULL)
        return -ENOMEM;
    int err = type->save(visit->object, saver, body);
    if (err == 0)
        err = saver->err;
    if (err < 0)
        return err;
    message.id = visit->id;
    message.derived = saver->options->with_derived ? type->derived(visit->object) : 0;
    message.body_case = type->arm;
    *message_body(&message.base, type->arm) = body;
    return kernel_image_add(image, &message);
}

static void saver_fini(struct saver *saver)
{
    saver_free_blocks(saver);
    HASH_CLEAR(hh, saver->visits);
    while (!STAILQ_EMPTY(&saver->queue)) {
        struct visit *visit = STAILQ_FIRST(&saver->queue);
        STAILQ_REMOVE_HEAD(&saver->queue, link);
        host_free(visit);
    }
}

static int save_all(struct saver *saver, struct kernel_image *image)
{
    const struct visit *visit;
    int err = saver->err;

    for (visit = STAILQ_FIRST(&saver->queue); err == 0 && visit != NULL;
         visit = STAILQ_NEXT(visit, link)) {
        err = save_object(saver, visit, image);
        saver_free_blocks(saver);
    }
    return err;
}

int snapshot_save(struct object *const roots[], size_t root_count,
                  const struct snapshot_save_options *options, struct kernel_image *image)
{
    struct saver saver = {.options = options};

    STAILQ_INIT(&saver.queue);
    for (size_t i = 0; i < root_count; i++)
        (void)save_ref(&saver, roots[i]);
    assert(saver.err < 0 || saver.count == root_count); /* no root twice, none missing */
    image->root_count = root_count;
    int err = save_all(&saver, image);
    saver_fini(&saver);
    return err < 0 ? err : kernel_image_close(image);
}
