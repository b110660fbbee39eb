/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vector of bytes that grows by half at a time. An append that fails leaves it as it was.
 */
#include "core/base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/host.h"

int bytes_reserve(struct bytes *bytes, size_t extra)
{
    size_t capacity;

    if (bytes->capacity - bytes->size >= extra)
        return 0;
    if (__builtin_add_overflow(bytes->capacity + bytes->capacity / 2, extra, &capacity))
        return -ENOMEM;
    uint8_t *data = host_alloc(capacity, 1);
    if (data == NULL)
        return -ENOMEM;
    if (bytes->size > 0)
        memcpy(data, bytes->data, bytes->size);
    host_free(bytes->data);
    bytes->data = data;
    bytes->capacity = capacity;
    return 0;
}

int bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    int err = bytes_reserve(bytes, size);

    if (err < 0)
        return err;
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return 0;
}

int bytes_printf(struct bytes *bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    int err = length < 0 ? -EINVAL : bytes_reserve(bytes, (size_t)length + 1);
    if (err < 0)
        return err;
    va_start(arguments, format);
    (void)vsnprintf((char *)bytes->data + bytes->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    bytes->size += (size_t)length;
    return 0;
}

void bytes_fini(struct bytes *bytes)
{
    host_free(bytes->data);
    *bytes = (struct bytes){0};
}
