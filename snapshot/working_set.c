/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws: a packed message WorkingSet. What it says decides only in which order memory is read, so its
 * numbers are not checked; that the file is the one of the manifest is.
 */
#include "snapshot/working_set.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/host.h"
#include "snapshot/message.h"
#include "snapshot/pages.pb-c.h"

enum { FILE_SIZE_MAX = WORKING_SET_MAX * 10 + 16 };

static int write_file(int dirfd, const uint8_t *content, size_t size)
{
    int fd = host_open_beneath(dirfd, WORKING_SET_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);

    if (fd < 0)
        return fd;
    int err = host_pwrite_all(fd, content, size, 0);
    (void)host_close(fd);
    return err;
}

int working_set_write(const struct working_set *set, int dirfd, struct image_file *ret)
{
    WorkingSet message = WORKING_SET__INIT;

    message.n_chunk = set->count < WORKING_SET_MAX ? set->count : WORKING_SET_MAX;
    message.chunk = set->chunks;
    size_t size = working_set__get_packed_size(&message);
    uint8_t *content = host_alloc(1, size + 1);
    if (content == NULL)
        return -ENOMEM;
    (void)working_set__pack(&message, content);
    int err = write_file(dirfd, content, size);
    if (err == 0) {
        ret->size = size;
        image_digest(content, size, ret->digest);
    }
    host_free(content);
    return err;
}

static int bad(struct report *report, const char *what)
{
    report_bad(report, WORKING_SET_NAME ": %s", what);
    return -EINVAL;
}

static int decode(struct working_set *set, const uint8_t *content, size_t size,
                  struct report *report)
{
    bool has_failed = false;
    ProtobufCAllocator allocator = message_allocator(&has_failed);
    WorkingSet *message = working_set__unpack(&allocator, size, content);
    int err = 0;

    if (message == NULL)
        return has_failed ? -ENOMEM : bad(report, "cannot be decoded");
    if (message->n_chunk > WORKING_SET_MAX)
        err = bad(report, "too many chunks");
    if (err == 0 && message->n_chunk > 0) {
        set->chunks = host_alloc(message->n_chunk, sizeof(*set->chunks));
        err = set->chunks == NULL ? -ENOMEM : 0;
    }
    if (err == 0 && message->n_chunk > 0) {
        memcpy(set->chunks, message->chunk, message->n_chunk * sizeof(*set->chunks));
        set->count = message->n_chunk;
    }
    working_set__free_unpacked(message, &allocator);
    return err;
}

static int read_content(int fd, uint8_t *content, const struct image_file *file,
                        struct report *report)
{
    char digest[IMAGE_DIGEST_SIZE];
    struct stat stat;
    int err = host_fstat(fd, &stat);

    if (err < 0)
        return err;
    if (!S_ISREG(stat.st_mode) || (uint64_t)stat.st_size != file->size)
        return bad(report, "its size is not that of the manifest");
    err = host_pread_all(fd, content, file->size, 0);
    if (err < 0)
        return err;
    image_digest(content, file->size, digest);
    return strcmp(digest, file->digest) == 0
               ? 0
               : bad(report, "its digest is not that of the manifest");
}

int working_set_read_file(struct working_set *set, int fd, const struct image_file *file,
                          struct report *report)
{
    if (file->size > FILE_SIZE_MAX)
        return bad(report, "too large");
    uint8_t *content = host_alloc(1, file->size + 1);
    if (content == NULL)
        return -ENOMEM;
    int err = fd < 0 ? fd : read_content(fd, content, file, report);
    if (err == 0)
        err = decode(set, content, file->size, report);
    host_free(content);
    if (err < 0 && err != -EINVAL)
        report_bad(report, "%s: %s", WORKING_SET_NAME, strerror(-err));
    return err;
}

int working_set_read(struct working_set *set, int dirfd, const struct image_file *file,
                     struct report *report)
{
    int fd = host_open_beneath(dirfd, WORKING_SET_NAME, O_RDONLY | O_NONBLOCK, 0);
    int err = working_set_read_file(set, fd, file, report);

    if (fd >= 0)
        (void)host_close(fd);
    return err;
}

void working_set_fini(struct working_set *set)
{
    host_free(set->chunks);
    *set = (struct working_set){0};
}
