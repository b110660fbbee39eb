/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.json. Fields and types are those of manifest.proto; this file says what their values may
 * be. The format is looked at before anything else, because a newer one may have fields that are
 * unknown here. A manifest that came through manifest_parse or manifest_check has all nested
 * messages, names that are no paths, and counts with limits: whoever uses it need not look again.
 */
#include "snapshot/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "snapshot/cpu.h"
#include "snapshot/json_message.h"

enum { DEPTH_MAX = 8, ITEM_MAX = 256, STRING_MAX = 4096, LATER_FIELDS = 100, NAME_SIZE_MAX = 64 };

static const char architecture[] = "x86_64";

/* --- making --- */

static void *make_message(const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = host_alloc(1, descriptor->sizeof_message);

    if (message != NULL)
        protobuf_c_message_init(descriptor, message);
    return message;
}

int manifest_set_text(char **member, const char *text)
{
    char *copy = host_strdup(text);

    if (copy == NULL)
        return -ENOMEM;
    if (*member != protobuf_c_empty_string)
        host_free(*member);
    *member = copy;
    return 0;
}

static int fill_new(Manifest *manifest)
{
    manifest->format = MANIFEST_FORMAT;
    manifest->cpu = make_message(&cpu_features__descriptor);
    manifest->clocks = make_message(&image_clocks__descriptor);
    manifest->counts = make_message(&image_counts__descriptor);
    manifest->options = make_message(&image_options__descriptor);
    if (manifest->cpu == NULL || manifest->clocks == NULL || manifest->counts == NULL ||
        manifest->options == NULL)
        return -ENOMEM;
    int err = manifest_set_text(&manifest->program, "sbx " SBX_VERSION);
    if (err == 0)
        err = manifest_set_text(&manifest->architecture, architecture);
    return err < 0 ? err : cpu_describe(manifest->cpu);
}

int manifest_create(Manifest **ret)
{
    Manifest *manifest = make_message(&manifest__descriptor);
    int err = manifest == NULL ? -ENOMEM : fill_new(manifest);

    if (err == 0)
        *ret = manifest;
    else
        manifest_free(manifest);
    return err;
}

void manifest_free(Manifest *manifest)
{
    if (manifest != NULL)
        json_message_free(&manifest->base);
}

int manifest_set_generation(Manifest *manifest, const uint8_t generation[MANIFEST_GENERATION_SIZE])
{
    uint8_t *copy = host_alloc(1, MANIFEST_GENERATION_SIZE);

    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, generation, MANIFEST_GENERATION_SIZE);
    host_free(manifest->generation.data);
    manifest->generation = (ProtobufCBinaryData){.data = copy, .len = MANIFEST_GENERATION_SIZE};
    return 0;
}

/* Adds a new message of that type to an array, which grows by one. NULL: no memory. */
static void *add_message(void ***array, size_t *count, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = make_message(descriptor);
    void **larger = host_alloc(*count + 1, sizeof(*larger));

    if (message == NULL || larger == NULL) {
        host_free(message);
        host_free(larger);
        return NULL;
    }
    if (*count > 0)
        memcpy(larger, *array, *count * sizeof(*larger));
    host_free(*array);
    larger[(*count)++] = message;
    *array = larger;
    return message;
}

int manifest_add_root(Manifest *manifest, const char *name, const char *path, bool is_writable)
{
    HostRoot *root =
        add_message((void ***)&manifest->roots, &manifest->n_roots, &host_root__descriptor);
    if (root == NULL)
        return -ENOMEM;
    root->is_writable = is_writable;
    int err = manifest_set_text(&root->name, name);
    return err < 0 ? err : manifest_set_text(&root->path, path);
}

int manifest_add_stdio(Manifest *manifest, const char *kind, uint64_t device, uint64_t inode,
                       const char *path)
{
    StdioDescription *stdio =
        add_message((void ***)&manifest->stdio, &manifest->n_stdio, &stdio_description__descriptor);
    if (stdio == NULL)
        return -ENOMEM;
    stdio->device = device;
    stdio->inode = inode;
    int err = manifest_set_text(&stdio->kind, kind);
    return err < 0 ? err : manifest_set_text(&stdio->path, path);
}

int manifest_add_file(Manifest *manifest, const char *name, const struct image_file *file)
{
    ImageFile *entry =
        add_message((void ***)&manifest->files, &manifest->n_files, &image_file__descriptor);
    if (entry == NULL)
        return -ENOMEM;
    entry->size = file->size;
    int err = manifest_set_text(&entry->name, name);
    return err < 0 ? err : manifest_set_text(&entry->digest, file->digest);
}

const ImageFile *manifest_find_file(const Manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->n_files; i++)
        if (strcmp(manifest->files[i]->name, name) == 0)
            return manifest->files[i];
    return NULL;
}

bool manifest_get_file(const Manifest *manifest, const char *name, struct image_file *ret)
{
    const ImageFile *file = manifest_find_file(manifest, name);

    if (file == NULL)
        return false;
    ret->size = file->size;
    (void)snprintf(ret->digest, sizeof(ret->digest), "%s", file->digest);
    return true;
}

/* --- checking --- */

static void bad(struct report *report, const char *field, const char *what)
{
    report_bad(report, MANIFEST_NAME ": %s: %s", field, what);
}

static bool is_hex(const char *text, size_t size)
{
    return strlen(text) == size && strspn(text, "0123456789abcdef") == size;
}

/* A name without slash that may stand in a directory. */
static bool is_file_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strlen(name) <= NAME_SIZE_MAX &&
           strchr(name, '/') == NULL;
}

static void check_files(const Manifest *manifest, struct report *report)
{
    for (size_t i = 0; i < manifest->n_files; i++) {
        const ImageFile *file = manifest->files[i];
        if (!is_file_name(file->name) || strcmp(file->name, MANIFEST_NAME) == 0)
            bad(report, "files", "a name that cannot be");
        else if (manifest_find_file(manifest, file->name) != file)
            bad(report, "files", "a name that stands there twice");
        else if (!is_hex(file->digest, IMAGE_DIGEST_SIZE - 1))
            bad(report, "files", "a digest that is none");
        else if (file->size > INT64_MAX)
            bad(report, "files", "a size that cannot be");
    }
}

static void check_roots(const Manifest *manifest, struct report *report)
{
    if (manifest->n_roots == 0 || strcmp(manifest->roots[0]->name, "/") != 0)
        bad(report, "roots", "the first one is not /");
    for (size_t i = 0; i < manifest->n_roots; i++) {
        if (manifest->roots[i]->name[0] != '/' || manifest->roots[i]->path[0] != '/')
            bad(report, "roots", "a name or path that is not absolute");
        for (size_t j = 0; j < i; j++)
            if (strcmp(manifest->roots[i]->name, manifest->roots[j]->name) == 0)
                bad(report, "roots", "a name that stands there twice");
    }
}

static void check_stdio(const Manifest *manifest, struct report *report)
{
    if (manifest->n_stdio != 0 && manifest->n_stdio != 3)
        bad(report, "stdio", "neither none nor three");
}

static void check_values(const Manifest *manifest, struct report *report)
{
    size_t generation = manifest->generation.len;

    if (manifest->name[0] == '\0' || strlen(manifest->name) > NAME_SIZE_MAX)
        bad(report, "name", "empty or too long");
    if (generation != MANIFEST_GENERATION_SIZE)
        bad(report, "generation", "not 16 bytes");
    if (manifest->parent[0] != '\0' && !is_hex(manifest->parent, 2 * MANIFEST_GENERATION_SIZE))
        bad(report, "parent", "not a generation");
    if (manifest->counts->roots == 0 || manifest->counts->roots > manifest->counts->objects)
        bad(report, "counts.roots", "more than there are objects, or none");
    if (manifest->clocks->monotonic_ns < 0)
        bad(report, "clocks.monotonic_ns", "negative");
    if (manifest->options->platform[0] == '\0')
        bad(report, "options.platform", "empty");
}

/* What a message may lack and JSON cannot. */
static const char *find_absent(const Manifest *manifest)
{
    if (manifest->cpu == NULL)
        return "cpu";
    if (manifest->clocks == NULL)
        return "clocks";
    if (manifest->counts == NULL)
        return "counts";
    return manifest->options == NULL ? "options" : NULL;
}

static int check_format(uint64_t format, struct report *report)
{
    if (format > MANIFEST_FORMAT)
        report_bad(report, MANIFEST_NAME ": format %" PRIu64 " is newer than %d", format,
                   MANIFEST_FORMAT);
    else if (format == 0)
        bad(report, "format", "0 is none");
    return format > MANIFEST_FORMAT || format == 0 ? -EINVAL : 0;
}

int manifest_check(const Manifest *manifest, struct report *report)
{
    size_t bad_before = report->bad_count;
    int err = check_format(manifest->format, report);

    if (err < 0)
        return err;
    if (strcmp(manifest->architecture, architecture) != 0) {
        report_bad(report, MANIFEST_NAME ": architecture \"%.32s\", this is %s",
                   manifest->architecture, architecture);
        return -EINVAL;
    }
    const char *absent = find_absent(manifest);
    if (absent != NULL) {
        bad(report, absent, "missing");
        return -EINVAL;
    }
    check_values(manifest, report);
    check_roots(manifest, report);
    check_stdio(manifest, report);
    check_files(manifest, report);
    return report->bad_count == bad_before ? 0 : -EINVAL;
}

/* --- reading --- */

static struct json_object *parse_json(const char *text, size_t size, struct report *report)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *json = NULL;

    if (tokener == NULL)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    json = json_tokener_parse_ex(tokener, text, (int)size);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error != json_tokener_success) {
        const char *what =
            error == json_tokener_continue ? "cut off" : json_tokener_error_desc(error);
        report_bad(report, MANIFEST_NAME ": byte %zu: %s", json_tokener_get_parse_end(tokener),
                   what);
        json_object_put(json);
        json = NULL;
    }
    json_tokener_free(tokener);
    return json;
}

/* Before the fields: a newer format has others. */
static int check_json_format(struct json_object *json, struct report *report)
{
    struct json_object *format;

    if (!json_object_is_type(json, json_type_object) ||
        !json_object_object_get_ex(json, "format", &format) ||
        !json_object_is_type(format, json_type_int) || json_object_get_int64(format) < 0) {
        bad(report, "format", "missing");
        return -EINVAL;
    }
    return check_format(json_object_get_uint64(format), report);
}

static int read_json(struct json_object *json, struct report *report, Manifest **ret)
{
    const struct json_source source = {.file = MANIFEST_NAME,
                                       .required_below = LATER_FIELDS,
                                       .item_max = ITEM_MAX,
                                       .string_max = STRING_MAX,
                                       .report = report};
    ProtobufCMessage *message;
    int err = check_json_format(json, report);

    if (err == 0)
        err = json_to_message(json, &manifest__descriptor, &source, &message);
    if (err < 0)
        return err;
    err = manifest_check((Manifest *)message, report);
    if (err == 0)
        *ret = (Manifest *)message;
    else
        json_message_free(message);
    return err;
}

int manifest_parse(const char *text, size_t size, struct report *report, Manifest **ret)
{
    if (size > MANIFEST_SIZE_MAX) {
        report_bad(report, MANIFEST_NAME ": too large");
        return -EINVAL;
    }
    struct json_object *json = parse_json(text, size, report);
    if (json == NULL)
        return report->bad_count > 0 ? -EINVAL : -ENOMEM;
    int err = read_json(json, report, ret);
    json_object_put(json);
    return err;
}

static int read_text(int fd, struct report *report, Manifest **ret)
{
    struct stat stat;
    int err = host_fstat(fd, &stat);

    if (err < 0)
        return err;
    if (!S_ISREG(stat.st_mode) || stat.st_size > MANIFEST_SIZE_MAX) {
        report_bad(report, MANIFEST_NAME ": not a regular file, or too large");
        return -EINVAL;
    }
    char *text = host_alloc((size_t)stat.st_size + 1, 1);
    if (text == NULL)
        return -ENOMEM;
    err = host_pread_all(fd, text, (size_t)stat.st_size, 0);
    if (err == 0)
        err = manifest_parse(text, (size_t)stat.st_size, report, ret);
    host_free(text);
    return err;
}

int manifest_read_file(int fd, struct report *report, Manifest **ret)
{
    size_t bad_before = report->bad_count;
    int err = fd < 0 ? fd : read_text(fd, report, ret);

    if (err < 0 && report->bad_count == bad_before)
        report_bad(report, MANIFEST_NAME ": %s", strerror(-err));
    return err;
}

int manifest_read(int dirfd, struct report *report, Manifest **ret)
{
    int fd = host_open_beneath(dirfd, MANIFEST_NAME, O_RDONLY | O_NONBLOCK, 0);
    int err = manifest_read_file(fd, report, ret);

    if (fd >= 0)
        (void)host_close(fd);
    return err;
}

/* --- writing --- */

int manifest_print(const Manifest *manifest, struct bytes *ret)
{
    struct json_object *json = json_of_message(&manifest->base);

    if (json == NULL)
        return -ENOMEM;
    const char *text = json_object_to_json_string_ext(
        json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    int err = text == NULL ? -ENOMEM : bytes_append(ret, text, strlen(text));
    if (err == 0)
        err = bytes_append(ret, "\n", 1);
    json_object_put(json);
    return err;
}

static int write_text(int dirfd, const struct bytes *text)
{
    int fd = host_open_beneath(dirfd, MANIFEST_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);

    if (fd < 0)
        return fd;
    int err = host_pwrite_all(fd, text->data, text->size, 0);
    if (err == 0)
        err = host_fsync(fd);
    (void)host_close(fd);
    return err;
}

int manifest_write(int dirfd, const Manifest *manifest)
{
    struct bytes text = {0};
    int err = manifest_print(manifest, &text);

    if (err == 0)
        err = write_text(dirfd, &text);
    bytes_fini(&text);
    return err;
}
