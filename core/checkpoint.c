/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint (R6). Frozen: save the objects, advance the memory's epoch, take write permission
 * from every stub. Then, thawed or not, the page files are written from the memory as it was at the
 * freeze: who writes to it hands the old content over first. Each step that fails undoes the ones
 * before and lets the sandbox go on.
 */
#include "core/checkpoint.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/host.h"
#include "core/freeze.h"
#include "core/kernel.h"
#include "core/objects.h"
#include "snapshot/image_dir.h"

/* How long running and short-waiting tasks have to reach the gate. */
#define FREEZE_TIMEOUT (10 * NSEC_PER_SEC)

static int count_process(struct process *process, void *context)
{
    struct checkpoint_result *result = context;
    struct task *task;

    result->process_count++;
    TAILQ_FOREACH(task, &process->tasks, link) {
        result->task_count++;
        result->blocked_count += task->call == CALL_WAITING;
    }
    return 0;
}

static int save_objects(struct kernel *kernel, struct report *report, struct kernel_image *image,
                        struct checkpoint_result *result)
{
    struct object *root = &kernel->machine->object;
    struct snapshot_save_options options = {.now = clock_now(&kernel->clock),
                                            .with_derived = true,
                                            .context = &kernel->vfs,
                                            .types = &object_types,
                                            .report = report};
    int err = snapshot_save(&root, 1, &options, image);

    result->object_count = image->object_count;
    result->root_count = image->root_count;
    result->monotonic = options.now;
    result->realtime = host_clock_realtime();
    (void)process_list_all(kernel, count_process, result);
    return err;
}

static void settle_memory(struct kernel *kernel)
{
    struct mm *mm;

    mutex_lock(&kernel->mms_lock);
    LIST_FOREACH(mm, &kernel->mms, link)
        mm_settle(mm);
    mutex_unlock(&kernel->mms_lock);
}

static int settle_usage(struct process *process, void *context)
{
    (void)context;
    usage_settle_process(process);
    return 0;
}

static int protect_memory(struct kernel *kernel)
{
    struct mm *mm;
    int err = 0;

    mutex_lock(&kernel->mms_lock);
    LIST_FOREACH(mm, &kernel->mms, link) {
        int failed = mm_write_protect(mm);
        if (failed < 0 && failed != -ESRCH) /* a dead stub writes nothing more */
            err = failed;
    }
    mutex_unlock(&kernel->mms_lock);
    return err;
}

static int write_kernel_image(int dir, const struct kernel_image *image, struct image_file *ret)
{
    int fd = host_open_beneath(dir, KERNEL_IMG_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);

    if (fd < 0)
        return fd;
    int err = host_pwrite_all(fd, image->frames.data, image->frames.size, 0);
    if (err == 0)
        err = host_fsync(fd);
    (void)host_close(fd);
    ret->size = image->frames.size;
    image_digest(image->frames.data, image->frames.size, ret->digest);
    return err;
}

static int write_pages(struct kernel *kernel, const struct checkpoint_options *options,
                       struct checkpoint_result *result)
{
    struct pages_writer *writer;
    int err = pages_writer_create(options->dir, &options->pages, &writer);

    if (err < 0) {
        memfile_collect_cancel(kernel->memfile);
        return err;
    }
    err = memfile_collect(kernel->memfile, pages_writer_add, writer);
    if (err == 0)
        err = pages_writer_finish(writer, &result->pages);
    pages_writer_free(writer);
    struct memfile_stats stats = memfile_stats(kernel->memfile);
    result->aside = stats.aside;
    result->in_place = stats.in_place;
    result->slot_waits = stats.slot_waits;
    return err;
}

/* Frozen: the state of this instant is fixed, in image and by the memory's new epoch. */
static int fix_state(struct kernel *kernel, struct report *report, struct kernel_image *image,
                     struct checkpoint_result *result)
{
    settle_memory(kernel);
    (void)process_list_all(kernel, settle_usage, NULL);
    int err = save_objects(kernel, report, image, result);
    if (err < 0)
        return err;
    result->epoch = memfile_epoch(kernel->memfile);
    err = memfile_freeze(kernel->memfile, 0);
    if (err < 0)
        return err;
    err = protect_memory(kernel);
    if (err < 0)
        memfile_collect_cancel(kernel->memfile);
    return err;
}

static int write_files(struct kernel *kernel, const struct checkpoint_options *options,
                       const struct kernel_image *image, struct checkpoint_result *result)
{
    int err = write_kernel_image(options->dir, image, &result->kernel_image);

    if (err < 0) {
        memfile_collect_cancel(kernel->memfile);
        return err;
    }
    return write_pages(kernel, options, result);
}

int checkpoint_write(struct kernel *kernel, const struct checkpoint_options *options,
                     struct report *report, struct checkpoint_result *ret)
{
    struct checkpoint_result result = {0};
    struct kernel_image image = {0};
    nsec_t start = host_clock_now();
    bool is_frozen = true;

    int err = kernel_freeze(kernel, start + FREEZE_TIMEOUT);
    if (err < 0) {
        report_bad(report, "the sandbox did not come to rest within %d s",
                   (int)(FREEZE_TIMEOUT / NSEC_PER_SEC));
        return err;
    }
    result.freeze_time = host_clock_now() - start;
    if (kernel->machine->init->is_zombie) { /* nobody is left to go on from the image */
        report_bad(report, "the sandbox has just ended");
        err = -ESRCH;
    }
    if (err == 0)
        err = fix_state(kernel, report, &image, &result);
    if (err < 0 || options->leave_running) {
        kernel_thaw(kernel);
        is_frozen = false;
        result.pause_time = host_clock_now() - start;
    }
    if (err == 0)
        err = write_files(kernel, options, &image, &result);
    if (err < 0 && is_frozen)
        kernel_thaw(kernel);
    kernel_image_fini(&image);
    result.total_time = host_clock_now() - start;
    if (err == 0)
        *ret = result;
    return err;
}
