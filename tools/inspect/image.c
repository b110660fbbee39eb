/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an image without the kernel: the manifest, then the objects of kernel.img, each decoded
 * by itself. Nothing links them: whoever follows a reference checks where it leads.
 */
#include "tools/inspect/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/host.h"
#include "snapshot/image_dir.h"
#include "snapshot/kernel_image.h"
#include "snapshot/message.h"

enum { KERNEL_IMG_MAX = 1 << 30, PACKED_MAX = 1 << 30 };

/* --- objects --- */

struct decoding {
    struct image *image;
    struct report *report;
};

static int add_object(struct image *image, Object *object)
{
    if ((image->count & (image->count - 1)) == 0) { /* grows at each power of two */
        size_t capacity = image->count == 0 ? 1 : 2 * image->count;
        Object **larger = realloc(image->objects, capacity * sizeof(Object *));
        if (larger == NULL)
            return -ENOMEM;
        image->objects = larger;
    }
    image->objects[image->count++] = object;
    return 0;
}

static Object *make_empty(uint64_t id)
{
    Object *object = malloc(sizeof(*object));

    if (object != NULL) {
        object__init(object);
        object->id = id;
    }
    return object;
}

static int decode_object(void *context, const uint8_t *packed, size_t size)
{
    struct decoding *decoding = context;
    struct image *image = decoding->image;
    unsigned long long id = (unsigned long long)image->count + 1;

    image->packed_size += size;
    if (image->packed_size > PACKED_MAX) {
        report_bad(decoding->report, KERNEL_IMG_NAME ": more than %d bytes of objects", PACKED_MAX);
        return -EINVAL;
    }
    Object *object = object__unpack(NULL, size, packed);
    if (object == NULL || object->id != id) {
        report_bad(decoding->report, KERNEL_IMG_NAME ": object %llu: %s", id,
                   object == NULL ? "cannot be decoded" : "has another id");
        if (object != NULL)
            object__free_unpacked(object, NULL);
        object = image->is_tolerant ? make_empty(id) : NULL;
        if (object == NULL)
            return -EINVAL;
    }
    int err = add_object(image, object);
    if (err < 0)
        object__free_unpacked(object, NULL);
    return err;
}

static int check_content(const struct image *image, const struct bytes *content,
                         struct report *report)
{
    const ImageFile *file = manifest_find_file(image->manifest, KERNEL_IMG_NAME);
    char digest[IMAGE_DIGEST_SIZE];

    if (file == NULL) {
        report_bad(report, KERNEL_IMG_NAME ": not listed");
        return -EINVAL;
    }
    image_digest(content->data, content->size, digest);
    if (file->size == content->size && strcmp(file->digest, digest) == 0)
        return 0;
    report_bad(report, KERNEL_IMG_NAME ": not what the manifest says: size or digest");
    return -EINVAL;
}

static int decode_objects(struct image *image, const struct bytes *content, struct report *report)
{
    struct kernel_image frames = {.frames = *content};
    struct decoding decoding = {.image = image, .report = report};
    int err = image->is_tolerant ? 0 : check_content(image, content, report);

    if (err == 0)
        err = kernel_image_read(&frames, decode_object, &decoding, report);
    if (err == 0 && image->count != image->manifest->counts->objects) {
        report_bad(report, KERNEL_IMG_NAME ": %zu objects, expected %llu", image->count,
                   (unsigned long long)image->manifest->counts->objects);
        err = -EINVAL;
    }
    return err;
}

/* --- files --- */

static int read_content(int fd, struct bytes *ret)
{
    struct stat stat;

    if (fd < 0)
        return fd;
    int err = host_fstat(fd, &stat);
    if (err == 0 && (!S_ISREG(stat.st_mode) || stat.st_size > KERNEL_IMG_MAX))
        err = -EFBIG;
    if (err == 0)
        err = bytes_reserve(ret, (size_t)stat.st_size);
    if (err == 0)
        err = host_pread_all(fd, ret->data, (size_t)stat.st_size, 0);
    if (err == 0)
        ret->size = (size_t)stat.st_size;
    return err;
}

int image_read_manifest(struct image *image, struct report *report)
{
    return manifest_read_file(image->parts[PART_MANIFEST], report, &image->manifest);
}

int image_read_objects(struct image *image, struct report *report)
{
    struct bytes content = {0};
    int err = read_content(image->parts[PART_KERNEL], &content);

    if (err < 0)
        report_bad(report, KERNEL_IMG_NAME ": %s", strerror(-err));
    else
        err = decode_objects(image, &content, report);
    if (err == 0)
        err = image_index_mounts(image);
    bytes_fini(&content);
    return err;
}

int image_open(const char *path, int helper, struct report *report, struct image *ret)
{
    int err = image_open_parts(path, helper, report, ret);

    if (err < 0)
        return err;
    err = image_read_manifest(ret, report);
    if (err == 0)
        err = image_read_objects(ret, report);
    if (err < 0)
        image_free(ret);
    return err;
}

void image_free(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        object__free_unpacked(image->objects[i], NULL);
    free(image->objects);
    free(image->mount_parents);
    for (int i = 0; i < PART_COUNT; i++)
        if (image->parts[i] >= 0)
            (void)close(image->parts[i]);
    manifest_free(image->manifest);
    *image = (struct image){0};
}

/* --- looking at objects --- */

static const Object *find_object(const struct image *image, uint64_t id)
{
    return id == 0 || id > image->count ? NULL : image->objects[id - 1];
}

static const ProtobufCFieldDescriptor *arm_of(const Object *object)
{
    if (object == NULL || object->body_case == OBJECT__BODY__NOT_SET)
        return NULL;
    return protobuf_c_message_descriptor_get_field(&object__descriptor, object->body_case);
}

const void *image_body(const struct image *image, uint64_t id, Object__BodyCase type)
{
    const Object *object = find_object(image, id);

    if (object == NULL || object->body_case != type)
        return NULL;
    return *message_body((ProtobufCMessage *)&object->base, object->body_case);
}

const ProtobufCMessage *image_any_body(const struct image *image, uint64_t id)
{
    const Object *object = find_object(image, id);

    if (arm_of(object) == NULL)
        return NULL;
    return *message_body((ProtobufCMessage *)&object->base, object->body_case);
}

const char *image_type_name(const struct image *image, uint64_t id)
{
    const ProtobufCFieldDescriptor *arm = arm_of(find_object(image, id));

    return arm == NULL ? "?" : arm->name;
}

const InodeAttr *image_inode_attr(const struct image *image, uint64_t id)
{
    const ProtobufCMessage *body = image_any_body(image, id);

    if (body == NULL)
        return NULL;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "attr");
    if (field == NULL || field->descriptor != &inode_attr__descriptor)
        return NULL;
    return *(InodeAttr *const *)message_field(body, field);
}

const Process *image_process(const struct image *image, uint64_t pid)
{
    for (uint64_t id = 1; id <= image->count; id++) {
        const Process *process = image_body(image, id, OBJECT__BODY_PROCESS);
        if (process != NULL && process->pid == pid)
            return process;
    }
    return NULL;
}

const Task *image_first_task(const struct image *image, const Process *process)
{
    return process->n_tasks == 0 ? NULL : image_body(image, process->tasks[0], OBJECT__BODY_TASK);
}

const Mm *image_mm(const struct image *image, const Process *process)
{
    const Task *task = image_first_task(image, process);

    return task == NULL ? NULL : image_body(image, task->mm, OBJECT__BODY_MM);
}
