/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inspector against objects that were changed after they were decoded, as whoever can write an
 * image and its digests could have it: fuzz_inspect IMAGE COUNT [SEED]. Each round changes one to
 * eight numbers, texts or nested messages somewhere in the objects of a real image, shows
 * everything that can be shown, and checks it. It must neither crash nor (with a sanitizer) touch
 * what is not its own.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/container.h"
#include "snapshot/kernel_image.h"
#include "snapshot/message.h"
#include "tools/inspect/problems.h"
#include "tools/inspect/views.h"

enum { MESSAGES_MAX = 1 << 16 };

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return limit == 0 ? 0 : random_state % limit;
}

/* --- the image --- */

static struct bytes kernel_img;
static Manifest *manifest;
static int directory;

static int add(void *context, const uint8_t *packed, size_t size)
{
    struct image *image = context;

    image->objects = realloc(image->objects, (image->count + 1) * sizeof(Object *));
    image->objects[image->count] = object__unpack(NULL, size, packed);
    assert(image->objects[image->count] != NULL);
    image->count++;
    return 0;
}

static void decode(struct image *image)
{
    struct kernel_image frames = {.frames = kernel_img};
    struct report report = {0};

    *image = (struct image){.manifest = manifest};
    for (int i = 0; i < PART_COUNT; i++)
        image->parts[i] = openat(directory, image_part_name((enum image_part)i), O_RDONLY);
    int err = kernel_image_read(&frames, add, image, &report);
    assert(err == 0);
}

static void discard(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        object__free_unpacked(image->objects[i], NULL);
    free(image->objects);
    free(image->mount_parents);
    for (int i = 0; i < PART_COUNT; i++)
        if (image->parts[i] >= 0)
            (void)close(image->parts[i]);
}

/* --- changes --- */

struct messages {
    ProtobufCMessage *list[MESSAGES_MAX];
    size_t count;
};

static int collect(void *context, ProtobufCMessage *message, const char *path)
{
    struct messages *messages = context;

    (void)path;
    if (messages->count < MESSAGES_MAX)
        messages->list[messages->count++] = message;
    return 0;
}

static uint64_t make_number(const struct image *image)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     4095,
                                     4096,
                                     INT32_MAX,
                                     UINT32_MAX,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     (uint64_t)INT64_MAX + 1,
                                     UINT64_MAX - 4095};

    return random_below(2) == 0 ? random_below(image->count + 2)
                                : edges[random_below(ARRAY_COUNT(edges))];
}

static void change_field(const struct image *image, ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field)
{
    size_t count = message_field_count(message, field);
    uint64_t number = make_number(image);
    char *value = message_field(message, field);

    if (count == 0 || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return;
    size_t nr = random_below(count);
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        memcpy(value + 8 * nr, &number, 8);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_BOOL:
        memcpy(value + 4 * nr, &number, 4);
        break;
    case PROTOBUF_C_TYPE_STRING: {
        char *text = *(char **)value;
        for (size_t i = 0; field->label != PROTOBUF_C_LABEL_REPEATED && text[i] != '\0'; i++)
            text[i] = (char)(1 + random_below(255));
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            protobuf_c_message_free_unpacked(*(ProtobufCMessage **)value, NULL);
            *(ProtobufCMessage **)value = NULL;
        }
        break;
    default:
        break;
    }
}

static void change(struct image *image)
{
    static struct messages messages;

    for (uint64_t left = 1 + random_below(8); left > 0; left--) {
        Object *object = image->objects[random_below(image->count)];
        messages.count = 0;
        (void)message_visit(&object->base, "Object", collect, &messages);
        ProtobufCMessage *message = messages.list[random_below(messages.count)];
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;
        if (message != &object->base && descriptor->n_fields > 0)
            change_field(image, message, &descriptor->fields[random_below(descriptor->n_fields)]);
    }
}

/* --- looking --- */

static void show_all(struct image *image)
{
    static const struct view *const views[] = {&view_show, &view_ps,     &view_maps, &view_fds,
                                               &view_mem,  &view_mounts, &view_files};
    struct inspect_request request = {.path = "fuzz", .root = "/", .helper = -1};

    request.format = (enum inspect_format)random_below(2);
    request.with_threads = random_below(2) == 0;
    for (uint64_t id = 1; id <= image->count; id++) {
        const Process *process = image_body(image, id, OBJECT__BODY_PROCESS);
        const Mm *mm = process == NULL ? NULL : image_mm(image, process);
        for (size_t i = 0; i < ARRAY_COUNT(views) && process != NULL; i++) {
            const struct view *view = views[i];
            if (mm != NULL && mm->n_vmas > 0)
                request.address = mm->vmas[random_below(mm->n_vmas)]->start - 4000;
            request.size = 20000;
            if (view == &view_mem && image->parts[PART_PAGES] < 0) /* the last one took it */
                image->parts[PART_PAGES] = openat(directory, image_part_name(PART_PAGES), O_RDONLY);
            if (view->print != NULL)
                (void)view->print(image, process, &request);
            else
                json_object_put(view->rows(image, process, &request));
        }
    }
}

static void check_all(struct image *image)
{
    struct problems problems = {.rows = json_object_new_array()};

    verify_references(&problems, image);
    verify_mms(&problems, image);
    json_object_put(problems.rows);
}

static void open_image(const char *path)
{
    struct report report = {0};
    directory = open(path, O_RDONLY | O_DIRECTORY);
    int err = manifest_read(directory, &report, &manifest);
    assert(err == 0);
    int fd = openat(directory, "kernel.img", O_RDONLY);
    off_t size = lseek(fd, 0, SEEK_END);
    err = bytes_reserve(&kernel_img, (size_t)size);
    assert(err == 0);
    ssize_t got = pread(fd, kernel_img.data, (size_t)size, 0);
    assert(got == size);
    kernel_img.size = (size_t)size;
    (void)close(fd);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    long count = atol(argv[2]);
    random_state = (argc > 3 ? strtoull(argv[3], NULL, 10) : 1) * UINT64_C(88172645463325252) + 1;
    open_image(argv[1]);
    if (freopen("/dev/null", "w", stdout) == NULL)
        return 2;
    for (long i = 0; i < count; i++) {
        struct image image;
        int err;

        decode(&image);
        change(&image);
        err = image_index_mounts(&image);
        assert(err == 0);
        show_all(&image);
        check_all(&image);
        discard(&image);
    }
    manifest_free(manifest);
    bytes_fini(&kernel_img);
    return 0;
}
