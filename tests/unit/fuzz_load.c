/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader against mutated images: fuzz_load COUNT [SEED]. Each image comes from the fixture of a
 * type; a mutation changes one to four fields of decoded objects (this gets past the decoder to the
 * checks of the types), or bytes of a packed object, or bytes of the compressed file. The load must
 * succeed, and then save again, or fail with a report that names the object and the field; in both
 * cases no object and no memory may be left. All objects are roots, so that whoever loaded a cycle
 * can end it.
 */
#include <assert.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/container.h"
#include "snapshot/message.h"
#include "tests/unit/fixtures.h"

enum { PACKED_MAX = 64 << 10, TARGETS = 4 };

static uint64_t random_state = UINT64_C(88172645463325252);

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

struct packed {
    uint8_t data[PACKED_MAX];
    size_t size;
};

/* The objects of one fixture's image. */
struct corpus {
    struct bytes objects[WORLD_ROOTS];
    size_t count;
};

static int collect(void *context, const uint8_t *packed, size_t size)
{
    struct corpus *corpus = context;

    assert(corpus->count < WORLD_ROOTS && size <= PACKED_MAX / 2);
    int err = bytes_append(&corpus->objects[corpus->count++], packed, size);
    assert(err == 0);
    return 0;
}

/* --- mutations of decoded messages --- */

static void mutate_number(const ProtobufCFieldDescriptor *field, void *value)
{
    static const uint64_t large[] = {64, 4096, INT32_MAX, INT64_MAX, UINT64_MAX};
    uint64_t number = random_below(2) == 0 ? random_below(16) /* the ids are among these */
                                           : large[random_below(ARRAY_COUNT(large))];

    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        memcpy(value, &number, sizeof(uint64_t));
        break;
    default:
        memcpy(value, &number, sizeof(uint32_t));
    }
}

/* One that is nested goes missing, or the last of many. */
static void drop_message(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    ProtobufCMessage **nested = message_field(message, field);
    size_t count = message_field_count(message, field);

    if (count == 0 || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return;
    protobuf_c_message_free_unpacked(nested[count - 1], NULL);
    nested[count - 1] = NULL;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        *(size_t *)((char *)message + field->quantifier_offset) = count - 1;
}

static void mutate_value(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    size_t count = message_field_count(message, field);
    void *value = message_field(message, field);

    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        drop_message(message, field);
    } else if (count == 0) {
        return;
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *data = value;
        data->len = random_below(data->len + 1);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *text = *(char **)value;
        if (text[0] != '\0')
            text[random_below(strlen(text))] = (char)random_below(128);
    } else {
        mutate_number(field, value);
    }
}

/* Any message of an object: the countdown picks one on the way. */
static int pick_message(void *context, ProtobufCMessage *message, const char *path)
{
    uint64_t *countdown = context;

    (void)path;
    if (*countdown > 0) {
        (*countdown)--;
        return 0;
    }
    if (message->descriptor->n_fields > 0)
        mutate_value(message,
                     &message->descriptor->fields[random_below(message->descriptor->n_fields)]);
    return 1;
}

static void mutate_field(struct packed *packed)
{
    Object *object = object__unpack(NULL, packed->size, packed->data);
    uint64_t countdown = random_below(2) == 0 ? 1 : random_below(8);

    if (object == NULL)
        return;
    (void)message_visit(&object->base, "Object", pick_message, &countdown);
    if (object__get_packed_size(object) <= PACKED_MAX)
        packed->size = object__pack(object, packed->data);
    object__free_unpacked(object, NULL);
}

/* --- mutations of bytes --- */

static void mutate_bytes(uint8_t *data, size_t *size)
{
    if (*size == 0)
        return;
    size_t at = random_below(*size);
    switch (random_below(4)) {
    case 0:
        data[at] = (uint8_t)random_below(256);
        break;
    case 1:
        data[at] ^= (uint8_t)(1u << random_below(8));
        break;
    case 2:
        *size = at + 1;
        break;
    default: /* a byte goes missing */
        memmove(data + at, data + at + 1, *size - at - 1);
        *size -= *size > 1;
    }
}

enum kind { KIND_FIELDS, KIND_BYTES, KIND_FRAME };

static enum kind random_kind(void)
{
    uint64_t value = random_below(10);

    return value < 6 ? KIND_FIELDS : value < 9 ? KIND_BYTES : KIND_FRAME;
}

/* Adds object nr of the corpus, mutated once for each target that names it. */
static void add_object(struct kernel_image *image, const struct corpus *corpus, size_t nr,
                       enum kind kind, const size_t targets[TARGETS])
{
    static struct packed packed;

    packed.size = corpus->objects[nr].size;
    memcpy(packed.data, corpus->objects[nr].data, packed.size);
    for (size_t i = 0; i < TARGETS; i++) {
        if (targets[i] == nr && kind == KIND_FIELDS)
            mutate_field(&packed);
        else if (targets[i] == nr && kind == KIND_BYTES)
            mutate_bytes(packed.data, &packed.size);
    }
    int err = kernel_image_add_packed(image, packed.data, packed.size);
    assert(err == 0);
}

static void build_image(const struct corpus *corpus, struct kernel_image *image)
{
    enum kind kind = random_kind();
    uint64_t mutations = 1 + random_below(TARGETS);
    size_t targets[TARGETS];

    for (size_t i = 0; i < TARGETS; i++)
        targets[i] = i < mutations ? random_below(corpus->count) : SIZE_MAX;
    for (size_t nr = 0; nr < corpus->count; nr++)
        add_object(image, corpus, nr, kind, targets);
    int err = kernel_image_close(image);
    assert(err == 0);
    image->root_count = corpus->count;
    if (kind == KIND_FRAME)
        mutate_bytes(image->frames.data, &image->frames.size);
}

/* --- what the loader makes of it --- */

struct outcome {
    unsigned loaded;
    unsigned rejected;
    unsigned undecodable;
};

static void check_report(const struct report *report, struct outcome *outcome)
{
    static regex_t named;
    static bool is_compiled;

    if (!is_compiled) {
        int err = regcomp(&named, "^[a-z_]+ [0-9]+: [A-Za-z_.]+: .", REG_EXTENDED | REG_NOSUB);
        assert(err == 0);
        is_compiled = true;
    }
    bool by_frame = false; /* the bytes are no objects: there is nothing to name */
    for (size_t i = 0; i < report->line_count; i++) {
        const char *line = report->lines[i];
        if (strncmp(line, "kernel.img: ", 12) == 0) {
            by_frame = true;
        } else if (regexec(&named, line, 0, NULL, 0) != 0) {
            (void)fprintf(stderr, "fuzz_load: names no field: %s\n", line);
            abort();
        }
    }
    assert(report->bad_count > 0);
    outcome->undecodable += by_frame;
    outcome->rejected += !by_frame;
}

static void load_image(struct world *world, const struct kernel_image *image, const char *name,
                       struct outcome *outcome)
{
    struct report report = {0};
    int err = world_load(world, image, &object_types, &report);

    if (err == 0) {
        struct kernel_image again = world_save(world, &object_types);
        world_clear(world);
        kernel_image_fini(&again);
        outcome->loaded++;
    } else {
        check_report(&report, outcome);
    }
    if (object_live_count() != 0 || memfile_owned_size(world->kernel->memfile) != 0) {
        (void)fprintf(stderr, "fuzz_load: %s: %zu objects, %llu bytes of memory are left\n", name,
                      object_live_count(),
                      (unsigned long long)memfile_owned_size(world->kernel->memfile));
        for (size_t i = 0; i < report.line_count; i++)
            (void)fprintf(stderr, "%s\n", report.lines[i]);
        abort();
    }
}

static void make_corpus(const struct fixture *fixture, struct corpus *corpus)
{
    struct world world;
    struct report report = {0};

    world_init(&world, WORLD_NOW);
    fixture->build(&world);
    struct kernel_image image = world_save(&world, &object_types);
    world_fini(&world);
    int err = kernel_image_read(&image, collect, corpus, &report);
    assert(err == 0);
    kernel_image_fini(&image);
}

static void free_corpus(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        bytes_fini(&corpus->objects[i]);
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
    struct corpus *corpora = calloc(fixture_count, sizeof(*corpora));
    struct outcome outcome = {0};
    struct world world;

    assert(corpora != NULL);
    if (argc > 2)
        random_state = strtoul(argv[2], NULL, 10) | 1;
    for (size_t i = 0; i < fixture_count; i++)
        make_corpus(&fixtures[i], &corpora[i]);
    world_init(&world, WORLD_NOW);
    for (unsigned long i = 0; i < count; i++) {
        struct kernel_image bad = {0};
        size_t nr = random_below(fixture_count);
        build_image(&corpora[nr], &bad);
        load_image(&world, &bad, fixtures[nr].name, &outcome);
        kernel_image_fini(&bad);
    }
    world_fini(&world);
    for (size_t i = 0; i < fixture_count; i++)
        free_corpus(&corpora[i]);
    free(corpora);
    printf("fuzz_load: %lu images: %u loaded, %u rejected by object and field, %u by frame\n",
           count, outcome.loaded, outcome.rejected, outcome.undecodable);
    return 0;
}
