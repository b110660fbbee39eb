/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restoring a kernel: the boot of a state that is not empty. Objects first, which count the memory
 * they own; then the content of that memory, or only where it is, to be read when it is touched;
 * then each address space gets a stub with its maps. The kernel stays frozen, its clock where it
 * stood. The image is hostile: what it says of memory that nobody owns is refused.
 */
#include "core/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/objects.h"
#include "core/pager.h"
#include "snapshot/image_dir.h"
#include "snapshot/pages_reader.h"
#include "snapshot/pages_writer.h"

enum { KERNEL_IMAGE_MAX = 1 << 30 };

/* What the manifest says of a file; reports one that is missing. */
static int find_file(const Manifest *manifest, const char *name, struct report *report,
                     struct image_file *ret)
{
    if (manifest_get_file(manifest, name, ret))
        return 0;
    report_bad(report, "manifest.json: files: %s is missing", name);
    return -EINVAL;
}

static int read_checked(int fd, const struct image_file *file, struct report *report,
                        struct bytes *ret)
{
    char digest[IMAGE_DIGEST_SIZE];
    struct stat stat;
    int err = host_fstat(fd, &stat);

    if (err < 0)
        return err;
    if (!S_ISREG(stat.st_mode) || (uint64_t)stat.st_size != file->size ||
        file->size > KERNEL_IMAGE_MAX) {
        report_bad(report, "%s: size: is %" PRId64 ", the manifest says %" PRIu64, KERNEL_IMG_NAME,
                   (int64_t)stat.st_size, file->size);
        return -EINVAL;
    }
    err = bytes_reserve(ret, file->size);
    if (err == 0)
        err = host_pread_all(fd, ret->data, file->size, 0);
    if (err < 0)
        return err;
    ret->size = file->size;
    image_digest(ret->data, ret->size, digest);
    if (strcmp(digest, file->digest) != 0) {
        report_bad(report, "%s: digest: does not match the manifest", KERNEL_IMG_NAME);
        return -EINVAL;
    }
    return 0;
}

static int read_kernel_image(int dir, const Manifest *manifest, struct report *report,
                             struct kernel_image *image)
{
    struct image_file file;
    int err = find_file(manifest, KERNEL_IMG_NAME, report, &file);

    if (err < 0)
        return err;
    int fd = host_open_beneath(dir, KERNEL_IMG_NAME, O_RDONLY, 0);
    if (fd < 0) {
        report_bad(report, "%s: cannot be opened: %s", KERNEL_IMG_NAME, strerror(-fd));
        return fd;
    }
    err = read_checked(fd, &file, report, &image->frames);
    (void)host_close(fd);
    image->object_count = manifest->counts->objects;
    image->root_count = manifest->counts->roots;
    return err;
}

static int load_objects(struct kernel *kernel, int dir, const Manifest *manifest,
                        struct report *report)
{
    struct kernel_image image = {0};
    struct object *root = NULL;
    int err = read_kernel_image(dir, manifest, report, &image);

    if (err == 0 && image.root_count != 1) {
        report_bad(report, "manifest.json: counts.roots: is %" PRIu64 ", not 1", image.root_count);
        err = -EINVAL;
    }
    if (err == 0)
        err = snapshot_load(&object_types, &image, kernel->clock.stopped_at, &kernel->vfs, report,
                            &root);
    kernel_image_fini(&image);
    if (err < 0) {
        kernel->machine = NULL;
        return err;
    }
    if (root->type != &machine_type.object) {
        report_bad(report, "%s: object 1: is a %s, not the machine", KERNEL_IMG_NAME,
                   root->type->name);
        object_put(root);
        return -EINVAL;
    }
    return 0;
}

static int fill(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    return memfile_fill(context, chunk, mask, data);
}

/* Memory that was dense comes back in huge folios. */
static void advise(void *context, uint64_t offset, uint64_t size)
{
    memfile_advise(context, offset, size);
}

/* A hint, absent in older images. */
static int read_working_set(int dir, const Manifest *manifest, struct report *report,
                            struct working_set *ret)
{
    struct image_file file;

    if (!manifest_get_file(manifest, WORKING_SET_NAME, &file))
        return 0;
    return working_set_read(ret, dir, &file, report);
}

/* Takes the reader. */
static int read_memory(struct kernel *kernel, const struct restore_options *options,
                       struct pages_reader *reader, struct working_set *set, struct report *report)
{
    int err;

    pages_reader_each_dense(reader, advise, kernel->memfile);
    if (!options->is_eager)
        return pager_create(kernel, reader, set, report, &kernel->pager);
    err = pages_reader_read_all(reader, fill, kernel->memfile, report);
    pages_reader_free(reader);
    working_set_fini(set);
    return err;
}

static int load_memory(struct kernel *kernel, const struct restore_options *options,
                       const Manifest *manifest, struct report *report,
                       struct restore_result *result)
{
    struct pages_expected expected = {.chunk_end = memfile_size(kernel->memfile) / MEM_CHUNK};
    struct working_set set = {0};
    struct pages_reader *reader;
    int err = find_file(manifest, PAGES_IMG_NAME, report, &expected.img);

    if (err == 0)
        err = find_file(manifest, PAGES_INDEX_NAME, report, &expected.index);
    if (err == 0)
        err = read_working_set(options->dir, manifest, report, &set);
    if (err == 0)
        err = pages_reader_open(options->dir, &expected, report, &reader);
    if (err < 0) {
        working_set_fini(&set);
        return err;
    }
    result->chunk_count = pages_reader_chunk_count(reader);
    return read_memory(kernel, options, reader, &set, report);
}

/* Tasks that share an address space share its stub. */
static int make_stubs_of(struct process *process, void *context)
{
    struct task *task;
    int err = 0;

    (void)context;
    TAILQ_FOREACH(task, &process->tasks, link) {
        if (task->mm->aspace == NULL)
            err = mm_restore(task->mm);
        if (err < 0)
            break;
    }
    return err;
}

int restore_read(struct kernel *kernel, const struct restore_options *options,
                 const Manifest *manifest, struct report *report, struct restore_result *ret)
{
    struct restore_result result = {.object_count = manifest->counts->objects};
    nsec_t start = host_clock_now();

    /* All that is restored counts as written in the first epoch after the image's. */
    int err = memfile_set_epoch(kernel->memfile, manifest->epoch + 1);
    if (err < 0) {
        report_bad(report, "manifest.json: epoch: %" PRIu64 " is not possible", manifest->epoch);
        return err;
    }
    if (manifest->clocks->monotonic_ns > NSEC_NEVER / 2) { /* it goes on from there */
        report_bad(report, "manifest.json: clocks.monotonic_ns: too large");
        return -EINVAL;
    }
    kernel->clock.stopped_at = manifest->clocks->monotonic_ns;
    mapping_set_loading(true);
    err = load_objects(kernel, options->dir, manifest, report);
    mapping_set_loading(false);
    if (err < 0)
        return err;
    nsec_t loaded = host_clock_now();
    result.objects_time = loaded - start;
    err = load_memory(kernel, options, manifest, report, &result);
    nsec_t filled = host_clock_now();
    result.memory_time = filled - loaded;
    if (err == 0)
        err = process_list_all(kernel, make_stubs_of, NULL);
    if (err < 0)
        return err;
    host_random(kernel->machine->generation, sizeof(kernel->machine->generation));
    result.stubs_time = host_clock_now() - filled;
    result.total_time = host_clock_now() - start;
    *ret = result;
    return 0;
}
