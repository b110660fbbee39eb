/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an image, opened before the first byte of them is read: from then on this process
 * can open nothing more. Names that no image has are noted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "snapshot/image_dir.h"
#include "snapshot/pages_writer.h"
#include "snapshot/working_set.h"
#include "tools/inspect/confine.h"
#include "tools/inspect/image.h"

enum { MEMORY_FACTOR = 64 };

#define MEMORY_MIN (UINT64_C(1) << 30)

static const char *const names[PART_COUNT] = {
    [PART_MANIFEST] = MANIFEST_NAME, [PART_KERNEL] = KERNEL_IMG_NAME,
    [PART_INDEX] = PAGES_INDEX_NAME, [PART_PAGES] = PAGES_IMG_NAME,
    [PART_RAW] = "pages.raw",        [PART_WORKING_SET] = WORKING_SET_NAME};

const char *image_part_name(enum image_part part)
{
    return names[part];
}

static bool is_part(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void note_strangers(int dir, struct image *image)
{
    int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = own < 0 ? NULL : fdopendir(own);
    const struct dirent *entry;

    if (stream == NULL && own >= 0)
        (void)close(own);
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        if (is_part(entry->d_name))
            continue;
        if (image->stranger_count < IMAGE_STRANGERS_MAX)
            (void)snprintf(image->strangers[image->stranger_count], IMAGE_STRANGER_SIZE, "%s",
                           entry->d_name);
        image->stranger_count++;
    }
    if (stream != NULL)
        (void)closedir(stream);
}

/* What decoding an image of this size may take: a small file can unpack to anything. */
static uint64_t memory_for(const struct image *image)
{
    struct stat stat = {0};

    if (image->parts[PART_KERNEL] >= 0)
        (void)host_fstat(image->parts[PART_KERNEL], &stat);
    return MEMORY_MIN + MEMORY_FACTOR * (uint64_t)stat.st_size;
}

int image_open_parts(const char *path, int helper, struct report *report, struct image *ret)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret = (struct image){0};
    if (dir < 0) {
        int err = -errno;
        report_bad(report, "%s", strerror(-err));
        return err;
    }
    for (int i = 0; i < PART_COUNT; i++)
        ret->parts[i] = host_open_beneath(dir, names[i], O_RDONLY | O_NONBLOCK, 0);
    note_strangers(dir, ret);
    (void)close(dir);
    int err = confine_reader(helper, memory_for(ret));
    if (err < 0) {
        report_bad(report, "confining this process: %s", strerror(-err));
        image_free(ret);
    }
    return err;
}
