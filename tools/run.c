/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx run: a new sandbox with a program. What the options leave open is inherited: environment,
 * working directory (when the root is the host's), standard streams.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/container.h"
#include "snapshot/image_dir.h"
#include "tools/bind.h"
#include "tools/donation.h"
#include "tools/error.h"
#include "tools/foreground.h"
#include "tools/options.h"
#include "tools/state_dir.h"
#include "tools/values.h"
#include "tools/verbs.h"

struct run_options {
    const char *name, *platform, *rootfs, *cwd, *root, *image_path;
    struct text_list binds, environment;
    uint64_t memory_limit, ghost_limit;
    uint32_t log_level;
    bool is_detached, is_strict, has_stats;
    struct checkpoint_at_value checkpoint_at;
    CompressOption compress;
};

/* What the spec points to, and is freed. */
struct run {
    struct control_start start;
    StartSpec spec;
    ImageOptions options;
    HostRoot roots[CONTROL_ROOTS_MAX];
    HostRoot *root_list[CONTROL_ROOTS_MAX];
    char **environment;
    char name[CONTROL_NAME_MAX + 1];
    char cwd[PATH_MAX];
    struct image_dir image; /* of --checkpoint-at */
};

/* --- roots --- */

static int add_root(struct run *run, const char *source, const char *name, bool is_writable,
                    struct report *report)
{
    size_t nr = run->spec.n_roots;
    HostRoot *root = &run->roots[nr];

    if (nr == CONTROL_ROOTS_MAX) {
        report_bad(report, "more than %d binds", CONTROL_ROOTS_MAX - 1);
        return -E2BIG;
    }
    host_root__init(root);
    root->name = strdup(name);
    root->path = realpath(source, NULL);
    root->is_writable = is_writable;
    run->root_list[nr] = root;
    run->spec.n_roots++;
    if (root->path == NULL) {
        report_bad(report, "%.64s: %.150s: %s", name, source, strerror(errno));
        root->path = strdup(source);
        return -EINVAL;
    }
    donation_open_root(&run->start, nr, report);
    return 0;
}

static void add_bind(struct run *run, const char *text, struct report *report)
{
    struct bind bind;

    if (bind_parse(text, false, &bind) < 0) {
        report_bad(report, "--bind: \"%.200s\" is not SRC:DST[:ro] with an absolute DST", text);
        return;
    }
    (void)add_root(run, bind.source, bind.name, bind.is_writable, report);
    bind_free(&bind);
}

static void set_roots(struct run *run, const struct run_options *options, struct report *report)
{
    run->spec.roots = run->root_list;
    (void)add_root(run, options->rootfs == NULL ? "/" : options->rootfs, "/", false, report);
    for (size_t i = 0; i < options->binds.count; i++)
        add_bind(run, options->binds.texts[i], report);
}

/* --- program --- */

static bool is_same_variable(const char *a, const char *b)
{
    size_t size = strcspn(a, "=");

    return strncmp(a, b, size) == 0 && b[size] == '=';
}

/* Replaces the variable, or adds it; there is room. */
static void set_variable(StartSpec *spec, const char *variable)
{
    size_t nr = 0;

    while (nr < spec->n_environment && !is_same_variable(variable, spec->environment[nr]))
        nr++;
    spec->environment[nr] = (char *)variable;
    if (nr == spec->n_environment)
        spec->n_environment++;
}

static int set_environment(struct run *run, const struct run_options *options)
{
    size_t count = 0;

    while (environ[count] != NULL)
        count++;
    run->environment = calloc(count + options->environment.count + 1, sizeof(char *));
    if (run->environment == NULL)
        return -ENOMEM;
    run->spec.environment = run->environment;
    for (size_t i = 0; i < count; i++)
        if (strchr(environ[i], '=') != NULL)
            run->environment[run->spec.n_environment++] = environ[i];
    for (size_t i = 0; i < options->environment.count; i++)
        set_variable(&run->spec, options->environment.texts[i]);
    return 0;
}

static void set_cwd(struct run *run, const struct run_options *options, struct report *report)
{
    run->spec.cwd = run->cwd;
    if (options->cwd != NULL)
        (void)snprintf(run->cwd, sizeof(run->cwd), "%s", options->cwd);
    else if (options->rootfs != NULL || getcwd(run->cwd, sizeof(run->cwd)) == NULL)
        (void)snprintf(run->cwd, sizeof(run->cwd), "/");
    if (run->cwd[0] != '/')
        report_bad(report, "--cwd: \"%.200s\" is not absolute", run->cwd);
}

/* --- all of it --- */

static void set_spec(struct run *run, struct run_options *options, char **argv, int argc)
{
    StartSpec *spec = &run->spec;

    if (options->name == NULL)
        values_make_name(run->name);
    else
        (void)snprintf(run->name, sizeof(run->name), "%s", options->name);
    spec->name = spec->hostname = run->name;
    spec->argv = argv;
    spec->n_argv = (size_t)argc;
    spec->is_detached = options->is_detached;
    spec->log_level = options->log_level;
    spec->compress = &options->compress;
    if (options->checkpoint_at.is_given)
        spec->checkpoint_at = &options->checkpoint_at.message;
    spec->options = &run->options;
    run->options.platform = (char *)options->platform;
    run->options.memory_limit = options->memory_limit;
    run->options.ghost_limit = options->ghost_limit;
    run->options.strict_files = options->is_strict;
}

static void run_init(struct run *run)
{
    memset(run, 0, sizeof(*run));
    control_start_init(&run->start);
    start_spec__init(&run->spec);
    image_options__init(&run->options);
    image_dir_init(&run->image);
    run->start.spec = &run->spec;
}

static void run_fini(struct run *run)
{
    donation_close(&run->start);
    image_dir_fini(&run->image);
    for (size_t i = 0; i < run->spec.n_roots; i++) {
        free(run->roots[i].name);
        free(run->roots[i].path);
    }
    free(run->environment);
}

/* Everything that can be wrong is collected. */
static int collect(struct run *run, struct run_options *options, char **argv, int argc,
                   struct report *report)
{
    set_spec(run, options, argv, argc);
    set_roots(run, options, report);
    set_cwd(run, options, report);
    if (set_environment(run, options) < 0)
        report_bad(report, "%s", strerror(ENOMEM));
    (void)donation_set_stdio(&run->start, STDIO_OURS, NULL, report);
    if (report->bad_count == 0 && options->checkpoint_at.is_given &&
        image_dir_create(options->image_path, report, &run->image) == 0)
        run->start.checkpoint_dir = fcntl(run->image.fd, F_DUPFD_CLOEXEC, 3);
    return report->bad_count > 0 ? -EINVAL : 0;
}

static int launch(struct run *run, const struct run_options *options, struct foreground *foreground,
                  struct report *report)
{
    int err = state_dir_open(options->root, report, &foreground->state_dir);

    if (err < 0)
        return err;
    err = state_dir_reserve(foreground->state_dir, run->spec.name, &run->start.lock);
    if (err < 0) {
        report_bad(report, "name \"%s\": %s", run->spec.name,
                   err == -EEXIST ? "in use" : strerror(-err));
        return err;
    }
    foreground->signals = foreground_catch_signals();
    err = launch_kernel(foreground->state_dir, &run->start, report, &foreground->launch);
    if (err < 0) {
        donation_close(&run->start);
        state_dir_remove_dead(foreground->state_dir, run->spec.name);
    }
    return err;
}

static int run_sandbox(struct run *run, struct run_options *options, char **argv, int argc)
{
    struct report report = {0};
    int err = collect(run, options, argv, argc, &report);
    struct foreground foreground = {.name = run->spec.name,
                                    .is_detached = options->is_detached,
                                    .has_stats = options->has_stats,
                                    .image_path = options->image_path};

    if (err == 0)
        err = launch(run, options, &foreground, &report);
    if (err < 0)
        return error_print_report(NULL, &report);
    if (options->checkpoint_at.is_given)
        foreground.checkpoint = &run->image;
    donation_close(&run->start);
    return foreground_wait(&foreground);
}

static struct run_options given = {
    .platform = "auto", .ghost_limit = VALUES_GHOST_LIMIT, .log_level = VALUES_LOG_LEVEL};

static const struct option_spec option_table[] = {
    {"name", 0, OPTION_PARSED, "NAME", "name of the sandbox (default: a generated one)",
     &given.name, values_parse_name},
    {"platform", 0, OPTION_TEXT, "NAME", "how guest code is run: auto (default), ptrace",
     &given.platform, NULL},
    {"rootfs", 0, OPTION_TEXT, "DIR", "host directory below the root, read-only (default: /)",
     &given.rootfs, NULL},
    {"bind", 0, OPTION_LIST, "SRC:DST[:ro]", "show a host directory or file in the sandbox",
     &given.binds, NULL},
    {"cwd", 0, OPTION_TEXT, "DIR", "working directory (default: this one; / with --rootfs)",
     &given.cwd, NULL},
    {"env", 0, OPTION_LIST, "K=V", "set an environment variable", &given.environment, NULL},
    {"memory-limit", 0, OPTION_SIZE, "SIZE", "most guest memory: bytes, or with K, M, G",
     &given.memory_limit, NULL},
    {"detach", 'd', OPTION_FLAG, NULL, "print the name and return once it runs", &given.is_detached,
     NULL},
    {"checkpoint-at", 0, OPTION_PARSED, "every|N", "checkpoint at system call N, or at each",
     &given.checkpoint_at, values_parse_at},
    {"image-path", 0, OPTION_TEXT, "DIR", "where --checkpoint-at writes", &given.image_path, NULL},
    {"compress", 0, OPTION_PARSED, "none|zstd[:LEVEL]", "of its image (default: zstd:-1)",
     &given.compress, values_parse_compress},
    {"strict-files", 0, OPTION_FLAG, NULL, "refuse changed host files at a restore",
     &given.is_strict, NULL},
    {"ghost-limit", 0, OPTION_SIZE, "SIZE", "largest deleted file kept in an image (default: 64M)",
     &given.ghost_limit, NULL},
    {"stats", 0, OPTION_FLAG, NULL, "print figures of the checkpoint on stderr, in JSON",
     &given.has_stats, NULL},
    {"log-level", 0, OPTION_PARSED, "LEVEL", "error, warning (default), info or debug",
     &given.log_level, values_parse_log_level},
    {"root", 0, OPTION_TEXT, "DIR", "state directory (default: $SBX_ROOT, /run/sbx, …)",
     &given.root, NULL},
};

static const struct command command = {.name = "sbx run",
                                       .operands = "-- CMD [ARG…]",
                                       .about = "Runs a program in a new sandbox.",
                                       .options = option_table,
                                       .option_count = ARRAY_COUNT(option_table),
                                       .operand_min = 1,
                                       .operand_max = SIZE_MAX,
                                       .is_rest_verbatim = true};

static int check(void)
{
    if (given.checkpoint_at.is_given != (given.image_path != NULL))
        return options_fail(&command, "--checkpoint-at and --image-path go together");
    if (given.checkpoint_at.is_given && given.is_detached)
        return options_fail(&command, "--checkpoint-at needs a tool that stays: no --detach");
    for (size_t i = 0; i < given.environment.count; i++)
        if (strchr(given.environment.texts[i], '=') == NULL)
            return options_fail(&command, "--env: \"%s\" is not K=V", given.environment.texts[i]);
    return 0;
}

int run_main(int argc, char **argv)
{
    struct run run;
    int exit_code;

    values_init_at(&given.checkpoint_at);
    values_init_compress(&given.compress);
    int first = options_parse(&command, argc, argv, &exit_code);
    if (first < 0)
        return exit_code;
    exit_code = check();
    if (exit_code == 0) {
        run_init(&run);
        exit_code = run_sandbox(&run, &given, argv + first, argc - first);
        run_fini(&run);
    }
    return exit_code;
}
