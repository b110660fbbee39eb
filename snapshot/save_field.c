/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What save functions call besides save_ref: memory for their message, values in their saved form,
 * reasons why they cannot go on.
 */
#include "snapshot/saver.h"

#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/host.h"

struct save_block {
    struct save_block *next;
    alignas(max_align_t) char data[];
};

void *save_alloc(struct saver *saver, size_t count, size_t size)
{
    size_t total;
    struct save_block *block = NULL;

    if (!__builtin_mul_overflow(count, size, &total) &&
        !__builtin_add_overflow(total, sizeof(*block), &total))
        block = host_alloc(1, total);
    if (block == NULL) {
        saver_set_error(saver, -ENOMEM);
        return NULL;
    }
    block->next = saver->blocks;
    saver->blocks = block;
    return block->data;
}

void saver_free_blocks(struct saver *saver)
{
    while (saver->blocks != NULL) {
        struct save_block *block = saver->blocks;
        saver->blocks = block->next;
        host_free(block);
    }
}

char *save_string(struct saver *saver, const char *text)
{
    static char empty[1];

    if (text == NULL)
        return empty;
    size_t size = strlen(text) + 1;
    char *copy = save_alloc(saver, size, 1);
    return copy == NULL ? empty : memcpy(copy, text, size);
}

void *save_message(struct saver *saver, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = save_alloc(saver, 1, descriptor->sizeof_message);

    if (message != NULL)
        protobuf_c_message_init(descriptor, message);
    return message;
}

void *save_messages(struct saver *saver, const ProtobufCMessageDescriptor *descriptor, size_t count)
{
    void **messages = save_alloc(saver, count, sizeof(*messages));

    for (size_t i = 0; messages != NULL && i < count; i++) {
        messages[i] = save_message(saver, descriptor);
        if (messages[i] == NULL)
            return NULL;
    }
    return messages;
}

int64_t save_time(const struct saver *saver, int64_t time)
{
    return time == NSEC_NEVER ? NSEC_NEVER : time - saver->options->now;
}

void *saver_context(const struct saver *saver)
{
    return saver->options->context;
}

int save_fail(struct saver *saver, int err, const char *format, ...)
{
    char text[REPORT_LINE_SIZE];
    va_list arguments;

    assert(err < 0);
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (saver->options->report != NULL)
        report_bad(saver->options->report, "%s", text);
    saver_set_error(saver, err);
    return err;
}
