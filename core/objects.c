/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of object types and wait types, expanded from objects.def and waits.def. The switches
 * have no default: an arm without a line does not compile, nor does a line without an arm, nor one
 * listed twice.
 */
#include "core/objects.h"

#define OBJECT(TAG, name) extern const struct snapshot_type name##_type;
#include "core/objects.def"
#undef OBJECT

#define WAIT(TAG, name) extern const struct wait_type name##_wait_type;
#include "core/waits.def"
#undef WAIT

static const struct snapshot_type *const types[] = {
#define OBJECT(TAG, name) &name##_type,
#include "core/objects.def"
#undef OBJECT
};

static const struct snapshot_type *type_of(Object__BodyCase arm)
{
    switch (arm) {
#define OBJECT(TAG, name)                                                                          \
    case OBJECT__BODY_##TAG:                                                                       \
        return &name##_type;
#include "core/objects.def"
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
#include "core/waits.def"
#undef WAIT
    case WAIT_RECORD__BODY__NOT_SET:
    case _WAIT_RECORD__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return NULL;
}

const struct snapshot_types object_types = {
    .list = types,
    .count = sizeof(types) / sizeof(types[0]),
    .of = type_of,
    .wait_of = wait_type_of,
};
