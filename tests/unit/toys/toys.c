/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the toy types, made as core/objects.c makes those of the kernel.
 */
#include "tests/unit/toys/toys.h"

#include <assert.h>

#include "core/base/container.h"

static const struct snapshot_type *const list[] = {
#define OBJECT(TAG, name) &name##_type,
#include "tests/unit/toys/objects.def"
#undef OBJECT
};

const struct toy_fixture toy_fixtures[] = {
#define OBJECT(TAG, name) {#name, fixture_##name},
#include "tests/unit/toys/objects.def"
#undef OBJECT
};

const size_t toy_fixture_count = ARRAY_COUNT(toy_fixtures);

static const struct snapshot_type *type_of(Object__BodyCase arm)
{
    switch (arm) {
#define OBJECT(TAG, name)                                                                          \
    case OBJECT__BODY_##TAG:                                                                       \
        return &name##_type;
#include "tests/unit/toys/objects.def"
#undef OBJECT
    case OBJECT__BODY__NOT_SET:
    case _OBJECT__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return NULL;
}

static const struct wait_type *wait_type_of(WaitRecord__BodyCase arm)
{
    switch (arm) {
#define WAIT(TAG, name)                                                                            \
    case WAIT_RECORD__BODY_##TAG:                                                                  \
        return &name##_wait_type;
#include "tests/unit/toys/waits.def"
#undef WAIT
    case WAIT_RECORD__BODY_OTHER:
    case WAIT_RECORD__BODY__NOT_SET:
    case _WAIT_RECORD__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return NULL;
}

const struct snapshot_types toy_types = {
    .list = list,
    .count = ARRAY_COUNT(list),
    .of = type_of,
    .wait_of = wait_type_of,
};

struct kernel_image toy_save(struct object *const roots[], size_t count, int64_t now)
{
    const struct snapshot_save_options options = {
        .now = now, .with_derived = true, .types = &toy_types};
    struct kernel_image image = {0};
    int err = snapshot_save(roots, count, &options, &image);

    assert(err == 0);
    return image;
}
