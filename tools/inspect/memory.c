/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory of an image: from an address by the mm's vmas and pmas to a place in the memfile or
 * in a file, from there to a chunk of pages.img. Pages that are unchanged parts of host files are
 * not in the image; they are read from the host if there is a helper for that and the file is still
 * the one that was recorded. All numbers are hostile: sums may wrap, and lead to nothing then.
 */
#include "tools/inspect/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/host.h"
#include "snapshot/pages_writer.h"
#include "tools/inspect/hostfile.h"

enum { SOURCE_RUN = 1, SOURCE_FILE = 2, SOURCE_HOST = 3, NS_PER_SECOND = 1000000000 };

#define CHUNK_END (UINT64_C(1) << 47) /* more than any memfile has */

__attribute__((format(printf, 2, 3))) static int refuse(struct memory *memory, const char *format,
                                                        ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(memory->why, sizeof(memory->why), format, arguments);
    va_end(arguments);
    return -ENODATA;
}

/* --- the memfile --- */

static int load_chunk(struct memory *memory, uint64_t chunk)
{
    const char *what = "";
    uint16_t mask;

    if (memory->chunk == chunk)
        return 0;
    memory->chunk = UINT64_MAX;
    int err = memory->reader == NULL
                  ? -ENOENT
                  : pages_reader_get(memory->reader, chunk, memory->content, &mask, &what);
    if (err == -ENOENT)
        memset(memory->content, 0, MEM_CHUNK);
    else if (err < 0)
        return refuse(memory, PAGES_IMG_NAME ": chunk %" PRIu64 ": %s", chunk, what);
    memory->chunk = chunk;
    return 0;
}

static int read_memfile(struct memory *memory, uint64_t offset, uint8_t to[MEM_PAGE])
{
    if (offset % MEM_PAGE != 0)
        return refuse(memory, "its place in the memory of the image makes no sense");
    int err = load_chunk(memory, offset / MEM_CHUNK);
    if (err == 0)
        memcpy(to, memory->content + offset % MEM_CHUNK, MEM_PAGE);
    return err;
}

/* --- files --- */

static int open_host_file(struct memory *memory, uint64_t id, const HostfsInode *inode,
                          const char *path)
{
    struct stat stat;

    if (memory->host_inode == id)
        return 0;
    if (memory->host_inode != 0)
        (void)close(memory->host_fd);
    memory->host_inode = 0;
    int fd = hostfile_open(memory->helper, path);
    int err = fd < 0 ? fd : host_fstat(fd, &stat);
    if (err < 0)
        return refuse(memory, "of the host file %s: %s", path, strerror(-err));
    if (stat.st_ino != inode->host_nr || (uint64_t)stat.st_size != inode->size ||
        stat.st_mtim.tv_sec * NS_PER_SECOND + stat.st_mtim.tv_nsec != inode->mtime_ns) {
        (void)close(fd);
        return refuse(memory, "of the host file %s, which is not as it was", path);
    }
    memory->host_inode = id;
    memory->host_fd = fd;
    return 0;
}

static int read_host_file(struct memory *memory, uint64_t id, uint64_t offset, uint8_t to[MEM_PAGE])
{
    const HostfsInode *inode = image_body(memory->image, id, OBJECT__BODY_HOSTFS_INODE);
    char path[PATH_MAX];

    if (inode == NULL ||
        !image_host_path(memory->image, inode, memory->helper < 0 ? "/" : "", path, sizeof(path)))
        return refuse(memory, "of a file that makes no sense");
    if (memory->helper < 0)
        return refuse(memory, "of the host file %s", path);
    int err = open_host_file(memory, id, inode, path);
    if (err < 0)
        return err;
    memset(to, 0, MEM_PAGE);
    if (pread(memory->host_fd, to, MEM_PAGE, (off_t)offset) < 0)
        return refuse(memory, "of the host file %s: %s", path, strerror(errno));
    return 0;
}

static int read_ghost(const HostfsInode *inode, uint64_t offset, uint8_t to[MEM_PAGE])
{
    size_t filled = 0;

    memset(to, 0, MEM_PAGE);
    for (size_t i = 0; i < inode->n_ghost && filled < MEM_PAGE; i++) {
        const ProtobufCBinaryData *piece = &inode->ghost[i];
        if (offset >= piece->len) {
            offset -= piece->len;
            continue;
        }
        size_t part = piece->len - (size_t)offset;
        if (part > MEM_PAGE - filled)
            part = MEM_PAGE - filled;
        memcpy(to + filled, piece->data + offset, part);
        filled += part;
        offset = 0;
    }
    return 0;
}

static bool find_extent(const Mapping *mapping, uint64_t offset, uint64_t *ret)
{
    for (size_t i = 0; mapping != NULL && i < mapping->n_extents; i++) {
        if (mapping->extents[i]->chunk == offset / MEM_CHUNK) {
            *ret = mapping->extents[i]->offset + offset % MEM_CHUNK;
            return true;
        }
    }
    return false;
}

/* A file whose content is in memory, or was touched; else *ret_host is the host file below. */
static const Mapping *mapping_of(const struct image *image, uint64_t inode, uint64_t *ret_host)
{
    const TmpfsInode *tmpfs = image_body(image, inode, OBJECT__BODY_TMPFS_INODE);
    const OverlayInode *overlay = image_body(image, inode, OBJECT__BODY_OVERLAY_INODE);

    *ret_host = image_host_inode(image, inode);
    if (tmpfs != NULL)
        return tmpfs->mapping;
    if (overlay != NULL && overlay->is_copied)
        return overlay->mapping;
    const HostfsInode *host = image_body(image, *ret_host, OBJECT__BODY_HOSTFS_INODE);
    return host == NULL ? NULL : host->mapping;
}

static int read_file(struct memory *memory, uint64_t id, uint64_t offset, bool is_below,
                     uint8_t to[MEM_PAGE])
{
    const File *file = image_body(memory->image, id, OBJECT__BODY_FILE);
    uint64_t host, place;

    if (file == NULL)
        return refuse(memory, "of a file that makes no sense");
    const Mapping *mapping = mapping_of(memory->image, file->inode, &host);
    if (!is_below && find_extent(mapping, offset, &place))
        return read_memfile(memory, place, to);
    const HostfsInode *inode = image_body(memory->image, host, OBJECT__BODY_HOSTFS_INODE);
    uint64_t size = inode != NULL ? inode->size : mapping != NULL ? mapping->size : 0;
    if (offset >= size && (inode == NULL || !inode->is_ghost))
        return refuse(memory, "behind the end of its file");
    if (inode != NULL && inode->is_ghost)
        return read_ghost(inode, offset, to);
    if (inode != NULL)
        return read_host_file(memory, host, offset, to);
    memset(to, 0, MEM_PAGE);
    return 0;
}

/* --- addresses --- */

static const Vma *find_vma(const Mm *mm, uint64_t address)
{
    for (size_t i = 0; i < mm->n_vmas; i++)
        if (mm->vmas[i]->start <= address && address < mm->vmas[i]->end)
            return mm->vmas[i];
    return NULL;
}

static const Pma *find_pma(const Mm *mm, uint64_t address)
{
    for (size_t i = 0; i < mm->n_pmas; i++)
        if (mm->pmas[i]->start <= address && address < mm->pmas[i]->end)
            return mm->pmas[i];
    return NULL;
}

int memory_read(struct memory *memory, uint64_t address, uint8_t to[MEM_PAGE])
{
    const Vma *vma = memory->mm == NULL ? NULL : find_vma(memory->mm, address);

    if (vma == NULL)
        return refuse(memory, "not mapped");
    const Pma *pma = find_pma(memory->mm, address);
    if (pma != NULL && pma->source == SOURCE_HOST)
        return read_file(memory, vma->file, pma->offset + (address - pma->start), true, to);
    if (pma != NULL)
        return read_memfile(memory, pma->offset + (address - pma->start), to);
    if (vma->file != 0)
        return read_file(memory, vma->file, vma->offset + (address - vma->start), false, to);
    memset(to, 0, MEM_PAGE);
    return 0;
}

/* --- opening --- */

int memory_open_pages(struct image *image, struct report *report, struct pages_reader **ret)
{
    struct pages_expected expected = {.chunk_end = CHUNK_END};
    int img = image->parts[PART_PAGES];

    if (!manifest_get_file(image->manifest, PAGES_IMG_NAME, &expected.img) ||
        !manifest_get_file(image->manifest, PAGES_INDEX_NAME, &expected.index))
        return -ENOENT;
    image->parts[PART_PAGES] = -EBADF;
    return pages_reader_open_files(img, image->parts[PART_INDEX], &expected, report, ret);
}

int memory_open(struct image *image, const Process *process, const struct inspect_request *request,
                struct report *report, struct memory **ret)
{
    struct memory *memory = calloc(1, sizeof(*memory));

    if (memory == NULL) {
        report_bad(report, "%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    memory->image = image;
    memory->mm = image_mm(image, process);
    memory->helper = request->helper;
    memory->chunk = UINT64_MAX;
    int err = memory_open_pages(image, report, &memory->reader);
    if (err < 0 && err != -ENOENT) {
        memory_close(memory);
        return err;
    }
    *ret = memory;
    return 0;
}

void memory_close(struct memory *memory)
{
    if (memory->host_inode != 0)
        (void)close(memory->host_fd);
    pages_reader_free(memory->reader);
    free(memory);
}
