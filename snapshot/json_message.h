/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include <json-c/json.h>
#include <protobuf-c/protobuf-c.h>

#include "snapshot/report.h"

/*
 * A message as JSON: an object with a member for each field, by its name. 64-bit integers stay
 * whole; fixed64 is "0x…", bytes are hexadecimal digits. Parts of a oneof and nested messages that
 * are not there are left out, everything else is written, defaults too.
 */

/* Returns a reference; NULL: no memory. */
struct json_object *json_of_message(const ProtobufCMessage *message);

/* How JSON that may be hostile is read. */
struct json_source {
    const char *file;        /* for messages */
    unsigned required_below; /* fields with smaller numbers must be there */
    size_t item_max;         /* elements of one array */
    size_t string_max;       /* bytes of one string */
    struct report *report;
};

/* The largest uint64 and the smallest sint64 cannot be read back. Makes a message of this type;
 * free it with json_message_free. -EINVAL: the report says which field is wrong; -ENOMEM. */
int json_to_message(struct json_object *json, const ProtobufCMessageDescriptor *descriptor,
                    const struct json_source *source, ProtobufCMessage **ret);
void json_message_free(ProtobufCMessage *message);
