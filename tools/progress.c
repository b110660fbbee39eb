/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a checkpoint is. The tool sees that by itself: the sandbox writes into a directory that
 * the tool has open, so the sandbox has nothing to do for it, and a tool that is slow or stopped
 * holds up nobody. What was read of guest memory is known at the end.
 */
#include "tools/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "snapshot/pages_writer.h"

enum { POLL_MS = 100, NS_PER_MS = 1000000 };

#define PLAIN_INTERVAL (1000 * (int64_t)NS_PER_MS)

int progress_parse(const char *text, void *to)
{
    static const char *const modes[] = {[PROGRESS_AUTO] = "auto",
                                        [PROGRESS_PLAIN] = "plain",
                                        [PROGRESS_JSON] = "json",
                                        [PROGRESS_NONE] = "none"};

    for (unsigned i = 0; i < ARRAY_COUNT(modes); i++) {
        if (strcmp(modes[i], text) == 0) {
            *(enum progress_mode *)to = (enum progress_mode)i;
            return 0;
        }
    }
    return -EINVAL;
}

void progress_start(struct progress *progress, enum progress_mode mode, const char *name, int dir)
{
    bool is_terminal = mode == PROGRESS_AUTO && isatty(STDERR_FILENO) == 1;

    *progress = (struct progress){.mode = mode,
                                  .is_terminal = is_terminal,
                                  .name = name,
                                  .dir = dir,
                                  .start = host_clock_now(),
                                  .last_shown = host_clock_now()};
    if (mode == PROGRESS_AUTO && !is_terminal)
        progress->mode = PROGRESS_NONE;
}

static uint64_t size_of_pages(const struct progress *progress)
{
    struct stat stat;

    return fstatat(progress->dir, PAGES_IMG_NAME, &stat, AT_SYMLINK_NOFOLLOW) == 0
               ? (uint64_t)stat.st_size
               : 0;
}

static double megabytes(uint64_t size)
{
    return (double)size / 1e6;
}

static uint64_t rate(uint64_t size, int64_t elapsed)
{
    return elapsed <= 0 ? 0 : (uint64_t)((double)size * 1e9 / (double)elapsed);
}

static void show(struct progress *progress, int64_t now)
{
    uint64_t size = size_of_pages(progress);
    int64_t elapsed = now - progress->start;

    progress->last_shown = now;
    if (progress->mode == PROGRESS_JSON)
        (void)fprintf(stderr,
                      "{\"state\":\"writing\",\"elapsed_ns\":%" PRId64 ",\"pages_written\":%" PRIu64
                      ",\"rate\":%" PRIu64 "}\n",
                      elapsed, size, rate(size, elapsed));
    else
        (void)fprintf(stderr, "%s%s: writing, %.1f MB, %.1f MB/s%s",
                      progress->is_terminal ? "\r" : "", progress->name, megabytes(size),
                      megabytes(rate(size, elapsed)), progress->is_terminal ? "\033[K" : "\n");
    (void)fflush(stderr);
}

void progress_wait(struct progress *progress, int socket)
{
    struct pollfd source = {.fd = socket, .events = POLLIN};

    if (progress->mode == PROGRESS_NONE)
        return;
    while (poll(&source, 1, POLL_MS) == 0) {
        int64_t now = host_clock_now();
        if (progress->mode != PROGRESS_PLAIN || now - progress->last_shown >= PLAIN_INTERVAL)
            show(progress, now);
    }
}

void progress_end(struct progress *progress, const CheckpointStats *stats)
{
    int64_t elapsed = host_clock_now() - progress->start;

    if (progress->is_terminal)
        (void)fputs("\r\033[K", stderr);
    if (stats == NULL || progress->mode == PROGRESS_NONE)
        return;
    if (progress->mode == PROGRESS_JSON)
        (void)fprintf(stderr,
                      "{\"state\":\"done\",\"elapsed_ns\":%" PRId64 ",\"memory_read\":%" PRIu64
                      ",\"image_written\":%" PRIu64 ",\"rate\":%" PRIu64 "}\n",
                      elapsed, stats->bytes_read, stats->bytes_written,
                      rate(stats->bytes_read, elapsed));
    else
        (void)fprintf(stderr, "%s: %.1f MB of memory, %.1f MB written in %.1f s, %.1f MB/s\n",
                      progress->name, megabytes(stats->bytes_read), megabytes(stats->bytes_written),
                      (double)elapsed / 1e9, megabytes(rate(stats->bytes_read, elapsed)));
}
