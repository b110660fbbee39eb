/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* A growing vector of bytes; all zero is an empty one. */
struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* -ENOMEM: nothing has changed. */
int bytes_reserve(struct bytes *bytes, size_t extra);
int bytes_append(struct bytes *bytes, const void *data, size_t size);
__attribute__((format(printf, 2, 3))) int bytes_printf(struct bytes *bytes, const char *format,
                                                       ...);
void bytes_fini(struct bytes *bytes);
