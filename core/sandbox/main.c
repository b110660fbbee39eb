/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-kernel: the sandbox process. It is started by a tool with one socket, on which it gets what
 * it is to run, and gives up all it does not need before it reads the first byte of guest or image:
 * namespaces, the memfile's mount, capabilities, the platform's first stub, an empty root, the
 * filter. Then it boots or restores, and serves until pid 1 ends or an image takes over.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/checkpoint_at.h"
#include "core/freeze.h"
#include "core/restore.h"
#include "core/sandbox/boot.h"
#include "core/sandbox/confine.h"
#include "core/sandbox/server.h"
#include "core/sandbox/teardown.h"
#include "snapshot/cpu.h"
#include "snapshot/manifest.h"

enum { EXIT_FAILED = 125 };

static int fail(const char *step, int err)
{
    (void)control_send_failed(CONTROL_START_FD, 0, EXIT_FAILED, "%s: %s", step, strerror(-err));
    return EXIT_FAILED;
}

/* Everything up to the filter. */
static int confine_and_create(struct control_start *start, struct kernel **ret, const char **step)
{
    const StartSpec *spec = start->spec;
    struct confinement confinement = {0};
    struct kernel_options options = {.memory_limit = spec->options->memory_limit,
                                     .ghost_limit = spec->options->ghost_limit,
                                     .is_strict = spec->options->strict_files};
    int err = confine_namespaces(&confinement);

    *step = confinement.step;
    if (err < 0)
        return err;
    *step = "memory";
    err = kernel_create(&options, ret);
    if (err < 0)
        return err;
    err = confine_root(&confinement, start);
    if (err == 0)
        err = confine_capabilities(&confinement);
    *step = confinement.step;
    if (err < 0)
        return err;
    *step = "platform";
    err = kernel_set_platform(*ret, spec->options->platform);
    if (err < 0)
        return err;
    err = confine_filter(&confinement);
    *step = confinement.step;
    return err;
}

static int restore(struct kernel *kernel, const struct control_start *start, struct report *report,
                   struct restore_result *result)
{
    const Manifest *manifest = start->spec->restore;
    size_t bad_before = report->bad_count;

    int err = manifest_check(manifest, report);
    if (err < 0)
        return err;
    cpu_check(manifest->cpu, report);
    if (report->bad_count > bad_before)
        return -EINVAL;
    struct restore_options options = {.dir = start->image_dir, .is_eager = start->spec->is_eager};
    err = restore_read(kernel, &options, manifest, report, result);
    if (err < 0 && report->bad_count == 0)
        report_bad(report, "restoring: %s", strerror(-err));
    return err;
}

static int send_started(struct kernel *kernel, bool is_restore, struct report *report,
                        const struct restore_result *result)
{
    RestoreStats stats = RESTORE_STATS__INIT;
    StartedEvent started = STARTED_EVENT__INIT;
    ControlMessage message = CONTROL_MESSAGE__INIT;
    char *notes[REPORT_LINES];

    for (size_t i = 0; i < report->line_count; i++)
        notes[started.n_notes++] = report->lines[i];
    started.notes = notes;
    started.platform = (char *)platform_name(kernel->platform);
    if (is_restore) {
        stats.objects_ns = (uint64_t)result->objects_time;
        stats.memory_ns = (uint64_t)result->memory_time;
        stats.total_ns = (uint64_t)result->total_time;
        stats.objects = result->object_count;
        stats.chunks = result->chunk_count;
        stats.stubs_ns = (uint64_t)result->stubs_time;
        started.stats = &stats;
    }
    message.body_case = CONTROL_MESSAGE__BODY_STARTED;
    message.started = &started;
    return control_send(CONTROL_START_FD, &message, NULL, 0);
}

/* All that does not fit, in one message. */
static int fail_with_report(const struct report *report, unsigned exit_code)
{
    struct bytes text = {0};

    for (size_t i = 0; i < report->line_count; i++)
        (void)bytes_printf(&text, "%s%s", i > 0 ? "\n" : "", report->lines[i]);
    if (report->bad_count > report->line_count)
        (void)bytes_printf(&text, "\nand %zu more", report->bad_count - report->line_count);
    (void)control_send_failed(CONTROL_START_FD, 0, exit_code, "%.*s", (int)text.size,
                              (const char *)text.data);
    bytes_fini(&text);
    return (int)exit_code;
}

static int run(struct kernel *kernel, struct control_start *start, struct report *report)
{
    const StartSpec *spec = start->spec;
    struct restore_result restored = {0};
    unsigned exit_code = EXIT_FAILED;
    bool is_restore = spec->restore != NULL;

    int err = boot_take_donations(kernel, start);
    if (err < 0)
        return fail("descriptors", err);
    err = is_restore ? restore(kernel, start, report, &restored)
                     : boot_machine(kernel, spec, report, &exit_code);
    if (err < 0)
        return fail_with_report(report, exit_code);
    if (spec->checkpoint_at != NULL)
        checkpoint_at_set(kernel, spec->checkpoint_at->is_every, spec->checkpoint_at->call);
    err = kernel_start(kernel);
    if (err < 0)
        return fail("threads", err);
    if (send_started(kernel, is_restore, report, &restored) < 0)
        return EXIT_FAILED;
    kernel_thaw(kernel);
    server_run(kernel, start, CONTROL_START_FD);
    return 0;
}

int main(void)
{
    static struct report report;
    struct control_start start;
    char reason[CONTROL_REASON_SIZE];
    struct kernel *kernel = NULL;
    const char *step;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)signal(SIGTTOU, SIG_IGN); /* a guest that sets modes must not stop us */
    (void)umask(0);                 /* modes of files on writable binds are the guest's to choose */
    control_start_init(&start);
    int err = control_start_receive(CONTROL_START_FD, &start, reason);
    if (err < 0)
        return err == -EPROTO ? fail(reason, err) : EXIT_FAILED;
    host_log_set(STDERR_FILENO, (enum host_log_level)start.spec->log_level);
    err = host_guard_init();
    if (err < 0)
        return fail("signal handlers", err);
    err = confine_and_create(&start, &kernel, &step);
    if (err < 0)
        return fail(step, err);
    int code = run(kernel, &start, &report);
    if (!teardown(kernel, &start))
        code = EXIT_FAILED;
    _exit(code);
}
