/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.img: a sequence of zstd frames. A frame holds whole objects, each packed and preceded by
 * its size as a varint; it says its own size, which has a limit, so a reader knows what it will
 * need. No object spans two frames: each can be decoded by itself.
 */
#include "snapshot/kernel_image.h"

#include <errno.h>

#include <zstd.h>

#include "core/base/host.h"

enum {
    FRAME_SIZE = 256 << 10,     /* a frame is closed when it has grown so far */
    FRAME_SIZE_MAX = 128 << 20, /* one object of 64 MB and more is a deleted file */
    VARINT_SIZE_MAX = 5,
    LEVEL = -1,
};

static int close_frame(struct kernel_image *image)
{
    struct bytes *frames = &image->frames;
    size_t bound = ZSTD_compressBound(image->open_frame.size);

    if (image->open_frame.size == 0)
        return 0;
    int err = bytes_reserve(frames, bound);
    if (err < 0)
        return err;
    size_t size = ZSTD_compress(frames->data + frames->size, bound, image->open_frame.data,
                                image->open_frame.size, LEVEL);
    if (ZSTD_isError(size))
        return -ENOMEM; /* the bound is enough: nothing else can fail */
    frames->size += size;
    image->open_frame.size = 0;
    return 0;
}

/* Makes room for an object of that size and writes the size. */
static int begin_object(struct bytes *frame, size_t size)
{
    if (size > FRAME_SIZE_MAX - FRAME_SIZE - VARINT_SIZE_MAX)
        return -EFBIG;
    int err = bytes_reserve(frame, size + VARINT_SIZE_MAX);
    if (err < 0)
        return err;
    for (; size > 0x7f; size >>= 7)
        frame->data[frame->size++] = (uint8_t)(size | 0x80);
    frame->data[frame->size++] = (uint8_t)size;
    return 0;
}

static int end_object(struct kernel_image *image)
{
    image->object_count++;
    return image->open_frame.size < FRAME_SIZE ? 0 : close_frame(image);
}

int kernel_image_add(struct kernel_image *image, const Object *object)
{
    struct bytes *frame = &image->open_frame;
    int err = begin_object(frame, object__get_packed_size(object));

    if (err < 0)
        return err;
    frame->size += object__pack(object, frame->data + frame->size);
    return end_object(image);
}

int kernel_image_add_packed(struct kernel_image *image, const uint8_t *packed, size_t size)
{
    struct bytes *frame = &image->open_frame;
    int err = begin_object(frame, size);

    if (err < 0)
        return err;
    err = bytes_append(frame, packed, size);
    return err < 0 ? err : end_object(image);
}

int kernel_image_close(struct kernel_image *image)
{
    return close_frame(image);
}

/* Moves *position past a varint; -EINVAL: there is none that makes sense. */
static int read_size(const uint8_t *data, size_t size, size_t *position, size_t *ret)
{
    size_t value = 0;

    for (unsigned i = 0; i < VARINT_SIZE_MAX && *position < size; i++) {
        uint8_t byte = data[(*position)++];
        value |= (size_t)(byte & 0x7f) << (7 * i);
        if (byte <= 0x7f) {
            *ret = value;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_objects(const uint8_t *data, size_t size, kernel_image_object_fn *object,
                        void *context, struct report *report)
{
    size_t position = 0;

    while (position < size) {
        size_t object_size;
        if (read_size(data, size, &position, &object_size) < 0 || object_size > size - position) {
            report_bad(report, "kernel.img: an object runs over the end of its frame");
            return -EINVAL;
        }
        int err = object(context, data + position, object_size);
        if (err < 0)
            return err;
        position += object_size;
    }
    return 0;
}

/* Reads the frame at data and sets *ret to its compressed size. */
static int read_frame(const uint8_t *data, size_t size, kernel_image_object_fn *object,
                      void *context, struct report *report, size_t *ret)
{
    size_t compressed = ZSTD_findFrameCompressedSize(data, size);
    unsigned long long content = ZSTD_getFrameContentSize(data, size);

    if (ZSTD_isError(compressed) || content == 0 || content > FRAME_SIZE_MAX) {
        report_bad(report, "kernel.img: no frame, or one that is cut off or too large");
        return -EINVAL;
    }
    uint8_t *frame = host_alloc(content, 1);
    if (frame == NULL)
        return -ENOMEM;
    int err = -EINVAL;
    if (ZSTD_decompress(frame, content, data, compressed) == content)
        err = read_objects(frame, content, object, context, report);
    else
        report_bad(report, "kernel.img: a frame is corrupt");
    host_free(frame);
    if (err < 0)
        return err;
    *ret = compressed;
    return 0;
}

int kernel_image_read(const struct kernel_image *image, kernel_image_object_fn *object,
                      void *context, struct report *report)
{
    size_t position = 0;

    while (position < image->frames.size) {
        size_t frame_size = 0;
        int err = read_frame(image->frames.data + position, image->frames.size - position, object,
                             context, report, &frame_size);
        if (err < 0)
            return err;
        position += frame_size;
    }
    return 0;
}

void kernel_image_fini(struct kernel_image *image)
{
    bytes_fini(&image->frames);
    bytes_fini(&image->open_frame);
    *image = (struct kernel_image){0};
}
