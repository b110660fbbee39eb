/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "snapshot/message.h"

/* Walks messages and remembers which of their fields have been seen set (not at their default). */

enum { COVERAGE_NAME = 160, COVERAGE_FIELDS = 512 };

struct coverage {
    struct {
        char name[COVERAGE_NAME]; /* "Task.regs.rip" */
        bool is_set;              /* in one element of what is repeated, at least */
    } fields[COVERAGE_FIELDS];
    size_t count;
};

/* Adds message and all that is nested in it. Arms of a oneof exclude each other: those that are not
 * set are not asked for. */
void coverage_add(struct coverage *coverage, ProtobufCMessage *message);
/* True: something of that message (at the top) has been added. */
bool coverage_has(const struct coverage *coverage, const ProtobufCMessageDescriptor *message);
/* The fields that have never been set: prints which. */
size_t coverage_count_unset(const struct coverage *coverage);
