/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking any message by protobuf-c's descriptors. The depth is that of the schema, in which no
 * message contains itself.
 */
#include "snapshot/message.h"

#include <assert.h>
#include <stdio.h>

#include "core/base/host.h"

enum { PATH_SIZE = 120 };

static void *allocate(void *failed, size_t size)
{
    void *memory = host_alloc(1, size);

    if (memory == NULL)
        *(bool *)failed = true;
    return memory;
}

static void release(void *failed, void *memory)
{
    (void)failed;
    host_free(memory);
}

ProtobufCAllocator message_allocator(bool *failed)
{
    return (ProtobufCAllocator){.alloc = allocate, .free = release, .allocator_data = failed};
}

static void *member_at(const ProtobufCMessage *message, unsigned offset)
{
    return (char *)message + offset;
}

size_t message_field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(size_t *)member_at(message, field->quantifier_offset);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(uint32_t *)member_at(message, field->quantifier_offset) == field->id;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(ProtobufCMessage **)member_at(message, field->offset) != NULL;
    return 1;
}

void *message_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    void *member = member_at(message, field->offset);

    return field->label == PROTOBUF_C_LABEL_REPEATED ? *(void **)member : member;
}

ProtobufCMessage **message_body(ProtobufCMessage *message, uint32_t arm)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(message->descriptor, arm);

    assert(field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE);
    return member_at(message, field->offset);
}

static int visit_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                       const char *path, message_visit_fn *visit, void *context)
{
    size_t count = message_field_count(message, field);
    ProtobufCMessage **nested = message_field(message, field);
    char nested_path[PATH_SIZE];

    if (count > 0)
        (void)snprintf(nested_path, sizeof(nested_path), "%s.%s", path, field->name);
    for (size_t i = 0; i < count; i++) {
        int result = message_visit(nested[i], nested_path, visit, context);
        if (result != 0)
            return result;
    }
    return 0;
}

int message_visit(ProtobufCMessage *message, const char *path, message_visit_fn *visit,
                  void *context)
{
    int result = visit(context, message, path);

    for (unsigned i = 0; result == 0 && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            result = visit_field(message, field, path, visit, context);
    }
    return result;
}
