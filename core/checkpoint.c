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
#include "core/pager.h"
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
        host_sync_begin(fd, 0, image->frames.size); /* the tool waits for it */
    (void)host_close(fd);
    ret->size = image->frames.size;
    image_digest(image->frames.data, image->frames.size, ret->digest);
    return err;
}

struct pages_sink {
    struct pages_writer *writer;
    const struct pages_reader *source;
};

static int emit(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    struct pages_sink *sink = context;

    return pages_writer_add(sink->writer, chunk, mask, data);
}

static int emit_absent(void *context, uint64_t chunk)
{
    struct pages_sink *sink = context;

    return pages_writer_copy(sink->writer, sink->source, chunk);
}

/* What is absent goes from image to image as it is stored, unless it is to be stored otherwise. */
static int collect(struct kernel *kernel, const struct checkpoint_options *options,
                   const struct working_set *set, struct pages_writer *writer)
{
    struct pages_sink pages = {writer, pager_reader(kernel->pager)};
    struct memfile_sink sink = {
        .emit = emit, .context = &pages, .first = set->chunks, .first_count = set->count};

    if (pages.source != NULL && options->pages.is_compressed)
        sink.emit_absent = emit_absent;
    return memfile_collect_to(kernel->memfile, &sink);
}

static int write_pages(struct kernel *kernel, const struct checkpoint_options *options,
                       const struct working_set *set, struct checkpoint_result *result)
{
    struct pages_writer *writer;
    nsec_t start = host_clock_now();
    int err = pages_writer_create(options->dir, &options->pages, &writer);

    if (err < 0) {
        memfile_collect_cancel(kernel->memfile);
        return err;
    }
    err = collect(kernel, options, set, writer);
    result->collect_time = host_clock_now() - start;
    if (err == 0)
        err = pages_writer_finish(writer, &result->pages);
    pages_writer_free(writer);
    struct memfile_stats stats = memfile_stats(kernel->memfile);
    result->aside = stats.aside;
    result->in_place = stats.in_place;
    result->slot_waits = stats.slot_waits;
    return err;
}

struct frozen_state {
    struct kernel_image image;
    struct working_set set;
};

/* Frozen: the state of this instant is fixed, in image and by the memory's new epoch. */
static int fix_state(struct kernel *kernel, struct report *report, struct frozen_state *state,
                     struct checkpoint_result *result)
{
    nsec_t start = host_clock_now(), saved;

    settle_memory(kernel);
    (void)process_list_all(kernel, settle_usage, NULL);
    int err = save_objects(kernel, report, &state->image, result);
    if (err == 0)
        err = checkpoint_guess_set(kernel, &state->set);
    if (err < 0)
        return err;
    saved = host_clock_now();
    result->objects_time = saved - start;
    result->epoch = memfile_epoch(kernel->memfile);
    err = memfile_freeze(kernel->memfile, 0);
    if (err < 0)
        return err;
    err = protect_memory(kernel);
    if (err < 0)
        memfile_collect_cancel(kernel->memfile);
    result->protect_time = host_clock_now() - saved;
    return err;
}

static int write_files(struct kernel *kernel, const struct checkpoint_options *options,
                       const struct frozen_state *state, struct checkpoint_result *result)
{
    int err = write_kernel_image(options->dir, &state->image, &result->kernel_image);

    if (err == 0 && state->set.count > 0)
        err = working_set_write(&state->set, options->dir, &result->working_set);
    if (err < 0) {
        memfile_collect_cancel(kernel->memfile);
        return err;
    }
    return write_pages(kernel, options, &state->set, result);
}

static int write_image(struct kernel *kernel, const struct checkpoint_options *options,
                       struct report *report, struct checkpoint_result *ret)
{
    struct checkpoint_result result = {0};
    struct frozen_state state = {0};
    nsec_t start = host_clock_now();
    bool thaws = !options->is_frozen;

    int err = options->is_frozen ? 0 : kernel_freeze(kernel, start + FREEZE_TIMEOUT);
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
        err = fix_state(kernel, report, &state, &result);
    if (thaws && (err < 0 || options->leave_running)) {
        kernel_thaw(kernel);
        thaws = false;
        result.pause_time = host_clock_now() - start;
    }
    if (err == 0)
        err = write_files(kernel, options, &state, &result);
    if (err < 0 && thaws)
        kernel_thaw(kernel);
    kernel_image_fini(&state.image);
    working_set_fini(&state.set);
    result.total_time = host_clock_now() - start;
    if (err == 0)
        *ret = result;
    return err;
}

int checkpoint_write(struct kernel *kernel, const struct checkpoint_options *options,
                     struct report *report, struct checkpoint_result *ret)
{
    pager_pause(kernel->pager); /* a collection of what it loads meanwhile would only be slower */
    int err = write_image(kernel, options, report, ret);
    pager_resume(kernel->pager);
    return err;
}
