/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening an image and checking it against its manifest: the sizes of its files always, the
 * digests, read piece by piece, when asked to. They tell damage, not malice: whoever can write the
 * files can write the manifest.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "core/base/host.h"
#include "snapshot/image_dir.h"

enum { PIECE_SIZE = 1 << 20 };

static void check_size(int dirfd, const ImageFile *file, struct report *report)
{
    struct stat stat;
    int err = host_fstatat(dirfd, file->name, &stat);

    if (err < 0)
        report_bad(report, "%s: %s", file->name, strerror(-err));
    else if (!S_ISREG(stat.st_mode))
        report_bad(report, "%s: not a regular file", file->name);
    else if ((uint64_t)stat.st_size != file->size)
        report_bad(report, "%s: %" PRIu64 " bytes, expected %" PRIu64, file->name,
                   (uint64_t)stat.st_size, file->size);
}

static int open_content(int fd, struct report *report, Manifest **ret)
{
    size_t bad_before = report->bad_count;
    Manifest *manifest = NULL;
    int err = manifest_read(fd, report, &manifest);

    if (err < 0)
        return err;
    for (size_t i = 0; i < manifest->n_files; i++)
        check_size(fd, manifest->files[i], report);
    if (manifest_find_file(manifest, KERNEL_IMG_NAME) == NULL)
        report_bad(report, KERNEL_IMG_NAME ": not listed");
    if (report->bad_count > bad_before) {
        manifest_free(manifest);
        return -EINVAL;
    }
    *ret = manifest;
    return 0;
}

int image_dir_open(const char *path, struct report *report, int *ret_fd, Manifest **ret)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        int err = -errno;
        report_bad(report, "%s", strerror(-err));
        return err;
    }
    int err = open_content(fd, report, ret);
    if (err == 0)
        *ret_fd = fd;
    else
        (void)host_close(fd);
    return err;
}

/* --- digests --- */

static int digest_pieces(int fd, XXH3_state_t *state, char *piece, uint64_t size)
{
    uint64_t offset = 0;

    while (offset < size) {
        size_t part = size - offset < PIECE_SIZE ? (size_t)(size - offset) : PIECE_SIZE;
        int err = host_pread_all(fd, piece, part, offset);
        if (err < 0)
            return err;
        (void)XXH3_128bits_update(state, piece, part);
        offset += part;
    }
    return 0;
}

static void print_digest(const XXH3_state_t *state, char ret[IMAGE_DIGEST_SIZE])
{
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    for (size_t i = 0; i < sizeof(canonical.digest); i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", canonical.digest[i]);
}

static int digest_file(int fd, uint64_t size, char ret[IMAGE_DIGEST_SIZE])
{
    XXH3_state_t *state = XXH3_createState();
    char *piece = host_alloc(PIECE_SIZE, 1);
    int err = state == NULL || piece == NULL ? -ENOMEM : 0;

    if (err == 0) {
        (void)XXH3_128bits_reset(state);
        err = digest_pieces(fd, state, piece, size);
    }
    if (err == 0)
        print_digest(state, ret);
    host_free(piece);
    (void)XXH3_freeState(state);
    return err;
}

int image_file_verify(int fd, const ImageFile *file, struct report *report)
{
    char digest[IMAGE_DIGEST_SIZE];
    struct stat stat;
    int err = fd < 0 ? fd : host_fstat(fd, &stat);

    if (err == 0 && !S_ISREG(stat.st_mode)) {
        report_bad(report, "%s: not a regular file", file->name);
        return -EINVAL;
    }
    if (err == 0 && (uint64_t)stat.st_size != file->size) {
        report_bad(report, "%s: %" PRIu64 " bytes, expected %" PRIu64, file->name,
                   (uint64_t)stat.st_size, file->size);
        return -EINVAL;
    }
    if (err == 0)
        err = digest_file(fd, file->size, digest);
    if (err < 0) {
        report_bad(report, "%s: %s", file->name, strerror(-err));
        return err;
    }
    if (strcmp(digest, file->digest) == 0)
        return 0;
    report_bad(report, "%s: its digest is %s, expected %s", file->name, digest, file->digest);
    return -EINVAL;
}

static void verify_file(int dirfd, const ImageFile *file, struct report *report)
{
    int fd = host_open_beneath(dirfd, file->name, O_RDONLY | O_NONBLOCK, 0);

    (void)image_file_verify(fd, file, report);
    if (fd >= 0)
        (void)host_close(fd);
}

int image_dir_verify(int fd, const Manifest *manifest, struct report *report)
{
    size_t bad_before = report->bad_count;

    for (size_t i = 0; i < manifest->n_files; i++)
        verify_file(fd, manifest->files[i], report);
    return report->bad_count == bad_before ? 0 : -EINVAL;
}
