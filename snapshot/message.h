/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* Called for a message and each message in it; path names its place ("Task.wait"). Not 0: stop. */
typedef int message_visit_fn(void *context, ProtobufCMessage *message, const char *path);

/* Visits message and whatever is nested in it, outermost first; returns the first result not 0. */
int message_visit(ProtobufCMessage *message, const char *path, message_visit_fn *visit,
                  void *context);

/* Elements of a repeated field; 1 or 0 for one that is set or not, where the message says so. */
size_t message_field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The place of a field's value (of its first element, when repeated). */
void *message_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The place of the pointer to the body of a message that has a oneof, whose arm is set. */
ProtobufCMessage **message_body(ProtobufCMessage *message, uint32_t arm);

/* Takes protobuf-c's memory from the host; sets *failed when there is none, which unpacking does
 * not tell from a message that cannot be decoded. */
ProtobufCAllocator message_allocator(bool *failed);
