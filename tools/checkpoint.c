/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-checkpoint: an image of a running sandbox. The tool owns the place of the image, the sandbox
 * writes into the directory it is given; the dialogue is in docs/control.md.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/container.h"
#include "snapshot/image_dir.h"
#include "tools/client.h"
#include "tools/commit.h"
#include "tools/error.h"
#include "tools/options.h"
#include "tools/progress.h"
#include "tools/state_dir.h"
#include "tools/stats.h"
#include "tools/values.h"
#include "tools/verbs.h"

struct checkpoint_options {
    const char *image_path, *work_path, *root;
    bool leave_running, has_stats;
    enum progress_mode progress;
    CompressOption compress;
};

static struct checkpoint_options given;

static int ask_and_commit(int socket, const char *name, struct image_dir *image,
                          struct report *report)
{
    struct progress progress;
    ControlMessage message = CONTROL_MESSAGE__INIT;
    CheckpointRequest request = CHECKPOINT_REQUEST__INIT;
    struct control_packet packet;

    request.leave_running = given.leave_running;
    request.compress = &given.compress;
    message.body_case = CONTROL_MESSAGE__BODY_CHECKPOINT;
    message.checkpoint = &request;
    int err = client_send(socket, &message, &image->fd, 1, report);
    if (err < 0)
        return err;
    progress_start(&progress, given.progress, name, image->fd);
    progress_wait(&progress, socket);
    err = client_receive(socket, CONTROL_MESSAGE__BODY_WRITTEN, &packet, report);
    if (err < 0) {
        progress_end(&progress, NULL);
        return err;
    }
    err = commit_image(socket, image, given.image_path, packet.message->written, report);
    progress_end(&progress, err < 0 ? NULL : packet.message->written->stats);
    if (err == 0 && given.has_stats)
        stats_print_checkpoint(packet.message->written, stdout);
    control_packet_fini(&packet);
    return err;
}

static int checkpoint(const char *name, struct report *report)
{
    struct image_dir image;
    int state_dir, socket;
    int err = state_dir_open(given.root, report, &state_dir);

    if (err < 0)
        return err;
    err = client_connect(state_dir, name, report, &socket);
    (void)close(state_dir);
    if (err < 0)
        return err;
    err = image_dir_create(given.image_path, report, &image);
    if (err == 0) {
        err = ask_and_commit(socket, name, &image, report);
        image_dir_fini(&image);
    }
    (void)close(socket);
    return err;
}

static const struct option_spec option_table[] = {
    {"image-path", 0, OPTION_TEXT, "DIR", "where the image goes; an older one is replaced",
     &given.image_path, NULL},
    {"leave-running", 0, OPTION_FLAG, NULL, "let the sandbox go on", &given.leave_running, NULL},
    {"compress", 0, OPTION_PARSED, "none|zstd[:LEVEL]", "of memory (default: zstd:-1)",
     &given.compress, values_parse_compress},
    {"stats", 0, OPTION_FLAG, NULL, "print figures in JSON", &given.has_stats, NULL},
    {"progress", 0, OPTION_PARSED, "auto|plain|json|none",
     "on stderr (default: auto, on terminals only)", &given.progress, progress_parse},
    {"work-path", 0, OPTION_TEXT, "DIR", "ignored", &given.work_path, NULL},
    {"root", 0, OPTION_TEXT, "DIR", "state directory (default: $SBX_ROOT, /run/sbx, …)",
     &given.root, NULL},
};

static const struct command command = {.name = "sbx-checkpoint",
                                       .operands = "NAME",
                                       .about = "Saves a sandbox as an image and stops it.",
                                       .options = option_table,
                                       .option_count = ARRAY_COUNT(option_table),
                                       .operand_min = 1,
                                       .operand_max = 1};

int checkpoint_main(int argc, char **argv)
{
    struct report report = {0};
    int exit_code;

    values_init_compress(&given.compress);
    int first = options_parse(&command, argc, argv, &exit_code);
    if (first < 0)
        return exit_code;
    if (given.image_path == NULL)
        return options_fail(&command, "--image-path is missing");
    return checkpoint(argv[first], &report) < 0 ? error_print_report(argv[first], &report) : 0;
}
