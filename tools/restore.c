/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-restore: a sandbox from an image. The manifest says what the sandbox needs of this machine;
 * all that is not there is told in one report before anything starts. The rest of the image is read
 * by the sandbox, which is confined.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/container.h"
#include "snapshot/cpu.h"
#include "snapshot/image_dir.h"
#include "tools/bind.h"
#include "tools/donation.h"
#include "tools/error.h"
#include "tools/foreground.h"
#include "tools/options.h"
#include "tools/state_dir.h"
#include "tools/values.h"
#include "tools/verbs.h"

struct restore_options {
    const char *image_path, *work_path, *name, *platform, *stdio, *root;
    uint32_t log_level;
    struct text_list binds;
    bool is_detached, is_lazy, is_eager, is_strict, has_stats, is_bind_allowed;
    struct checkpoint_at_value checkpoint_at;
    CompressOption compress;
};

static struct restore_options given = {.stdio = "restorer", .log_level = VALUES_LOG_LEVEL};

struct restore {
    struct control_start start;
    StartSpec spec;
    ImageOptions options;
    Manifest *manifest;
    struct image_dir image; /* of --checkpoint-at */
};

static void restore_init(struct restore *restore)
{
    memset(restore, 0, sizeof(*restore));
    control_start_init(&restore->start);
    start_spec__init(&restore->spec);
    image_options__init(&restore->options);
    image_dir_init(&restore->image);
    restore->start.spec = &restore->spec;
}

static void restore_fini(struct restore *restore)
{
    donation_close(&restore->start);
    image_dir_fini(&restore->image);
    manifest_free(restore->manifest);
}

static void set_spec(struct restore *restore)
{
    StartSpec *spec = &restore->spec;
    const ImageOptions *recorded = restore->manifest->options;

    spec->restore = restore->manifest;
    spec->name = given.name == NULL ? restore->manifest->name : (char *)given.name;
    spec->hostname = spec->name;
    spec->is_detached = given.is_detached;
    spec->is_eager = given.is_eager;
    spec->log_level = given.log_level;
    spec->compress = &given.compress;
    if (given.checkpoint_at.is_given)
        spec->checkpoint_at = &given.checkpoint_at.message;
    spec->n_roots = restore->manifest->n_roots;
    spec->roots = restore->manifest->roots;
    spec->options = &restore->options;
    restore->options.platform =
        given.platform == NULL ? recorded->platform : (char *)given.platform;
    restore->options.memory_limit = recorded->memory_limit;
    restore->options.ghost_limit = recorded->ghost_limit;
    restore->options.strict_files = recorded->strict_files || given.is_strict;
}

static void set_stdio(struct restore *restore, struct report *report)
{
    enum donation_stdio kind = STDIO_FILE;

    if (strcmp(given.stdio, "restorer") == 0)
        kind = STDIO_OURS;
    else if (strcmp(given.stdio, "null") == 0)
        kind = STDIO_NULL;
    (void)donation_set_stdio(&restore->start, kind, given.stdio, report);
}

/* What the image needs and this machine may lack, all of it. */
static int collect(struct restore *restore, struct report *report)
{
    struct bind_policy policy = {.binds = &given.binds, .is_all_allowed = given.is_bind_allowed};

    set_spec(restore);
    if (control_check_name(restore->spec.name) < 0)
        report_bad(report, MANIFEST_NAME ": name: not one for a sandbox");
    if (restore->spec.n_roots > CONTROL_ROOTS_MAX)
        report_bad(report, MANIFEST_NAME ": roots: more than %d", CONTROL_ROOTS_MAX);
    cpu_check(restore->manifest->cpu, report);
    bind_apply(&policy, restore->manifest, report);
    for (size_t i = 0; i < restore->spec.n_roots && i < CONTROL_ROOTS_MAX; i++)
        donation_open_root(&restore->start, i, report);
    bind_check(&policy, restore->manifest, restore->start.image_dir, restore->start.root_fds,
               report);
    set_stdio(restore, report);
    if (report->bad_count == 0 && given.checkpoint_at.is_given &&
        image_dir_create(given.image_path, report, &restore->image) == 0)
        restore->start.checkpoint_dir = fcntl(restore->image.fd, F_DUPFD_CLOEXEC, 3);
    return report->bad_count > 0 ? -EINVAL : 0;
}

static int launch(struct restore *restore, struct foreground *foreground, struct report *report)
{
    int err = state_dir_open(given.root, report, &foreground->state_dir);

    if (err < 0)
        return err;
    err = state_dir_reserve(foreground->state_dir, restore->spec.name, &restore->start.lock);
    if (err < 0) {
        report_bad(report, "name \"%s\": %s", restore->spec.name,
                   err == -EEXIST ? "in use" : strerror(-err));
        return err;
    }
    foreground->signals = foreground_catch_signals();
    err = launch_kernel(foreground->state_dir, &restore->start, report, &foreground->launch);
    if (err < 0) {
        donation_close(&restore->start);
        state_dir_remove_dead(foreground->state_dir, restore->spec.name);
    }
    return err;
}

static int fail(const struct report *report)
{
    char doing[512];

    (void)snprintf(doing, sizeof(doing), "opening image %s", given.image_path);
    return error_print_report(doing, report);
}

static int restore_sandbox(struct restore *restore)
{
    struct foreground foreground = {.is_detached = given.is_detached,
                                    .has_stats = given.has_stats,
                                    .image_path = given.image_path};
    struct report report = {0};
    int err =
        image_dir_open(given.image_path, &report, &restore->start.image_dir, &restore->manifest);
    if (err == 0)
        err = collect(restore, &report);
    if (err < 0)
        return fail(&report);
    foreground.name = restore->spec.name;
    err = launch(restore, &foreground, &report);
    if (err < 0)
        return error_print_report(NULL, &report);
    if (given.checkpoint_at.is_given)
        foreground.checkpoint = &restore->image;
    donation_close(&restore->start);
    return foreground_wait(&foreground);
}

static const struct option_spec option_table[] = {
    {"image-path", 0, OPTION_TEXT, "DIR", "the image", &given.image_path, NULL},
    {"name", 0, OPTION_PARSED, "NAME", "name of the sandbox (default: the recorded one)",
     &given.name, values_parse_name},
    {"lazy", 0, OPTION_FLAG, NULL, "read memory when it is touched, the rest meanwhile (default)",
     &given.is_lazy, NULL},
    {"eager", 0, OPTION_FLAG, NULL, "read all memory before the guest goes on", &given.is_eager,
     NULL},
    {"detach", 'd', OPTION_FLAG, NULL, "print the name and return once it runs", &given.is_detached,
     NULL},
    {"stdio", 0, OPTION_TEXT, "restorer|null|FILE", "standard streams (default: restorer)",
     &given.stdio, NULL},
    {"platform", 0, OPTION_TEXT, "NAME", "how guest code is run (default: as recorded)",
     &given.platform, NULL},
    {"bind", 0, OPTION_LIST, "SRC:DST[:ro]",
     "allow a bind of the image, from here (see docs/control.md)", &given.binds, NULL},
    {"allow-binds", 0, OPTION_FLAG, NULL, "allow all binds of the image, written ones too",
     &given.is_bind_allowed, NULL},
    {"strict-files", 0, OPTION_FLAG, NULL, "refuse changed host files", &given.is_strict, NULL},
    {"checkpoint-at", 0, OPTION_PARSED, "every|N",
     "checkpoint at system call N, or at each; replaces the image", &given.checkpoint_at,
     values_parse_at},
    {"compress", 0, OPTION_PARSED, "none|zstd[:LEVEL]", "of that image (default: zstd:-1)",
     &given.compress, values_parse_compress},
    {"stats", 0, OPTION_FLAG, NULL, "print figures on stderr, in JSON", &given.has_stats, NULL},
    {"log-level", 0, OPTION_PARSED, "LEVEL", "error, warning (default), info or debug",
     &given.log_level, values_parse_log_level},
    {"work-path", 0, OPTION_TEXT, "DIR", "ignored", &given.work_path, NULL},
    {"root", 0, OPTION_TEXT, "DIR", "state directory (default: $SBX_ROOT, /run/sbx, …)",
     &given.root, NULL},
};

static const struct command command = {.name = "sbx-restore",
                                       .operands = "",
                                       .about = "Restores a sandbox from an image.",
                                       .options = option_table,
                                       .option_count = ARRAY_COUNT(option_table)};

int restore_main(int argc, char **argv)
{
    struct restore restore;
    int exit_code;

    values_init_at(&given.checkpoint_at);
    values_init_compress(&given.compress);
    if (options_parse(&command, argc, argv, &exit_code) < 0)
        return exit_code;
    if (given.image_path == NULL)
        return options_fail(&command, "--image-path is missing");
    if (given.is_lazy && given.is_eager)
        return options_fail(&command, "--lazy and --eager exclude each other");
    if (given.checkpoint_at.is_given && given.is_detached)
        return options_fail(&command, "--checkpoint-at needs a tool that stays: no --detach");
    restore_init(&restore);
    exit_code = restore_sandbox(&restore);
    restore_fini(&restore);
    return exit_code;
}
