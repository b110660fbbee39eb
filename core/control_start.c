/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first message to a new sandbox, with all the descriptors that the tool donates. Their order
 * in the packet: listener, lock, stdin, stdout, stderr, then the checkpoint directory and the image
 * directory where the spec speaks of them, then one for each root.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/host.h"
#include "core/control.h"
#include "snapshot/manifest.h"
#include "snapshot/message.h"

enum {
    FIXED_FDS = 5,
    ARGUMENTS_MAX = 1 << 16,
    LOG_LEVEL_MAX = LOG_DEBUG,
};

void control_start_init(struct control_start *start)
{
    start->spec = NULL;
    start->listener = start->lock = start->checkpoint_dir = start->image_dir = -1;
    for (unsigned i = 0; i < 3; i++)
        start->stdio[i] = -1;
    for (unsigned i = 0; i < CONTROL_ROOTS_MAX; i++)
        start->root_fds[i] = -1;
}

static unsigned collect_fds(const struct control_start *start, int fds[CONTROL_FDS_MAX])
{
    const StartSpec *spec = start->spec;
    unsigned count = 0;

    fds[count++] = start->listener;
    fds[count++] = start->lock;
    for (unsigned i = 0; i < 3; i++)
        fds[count++] = start->stdio[i];
    if (spec->checkpoint_at != NULL)
        fds[count++] = start->checkpoint_dir;
    if (spec->restore != NULL)
        fds[count++] = start->image_dir;
    for (unsigned i = 0; i < spec->n_roots; i++)
        fds[count++] = start->root_fds[i];
    return count;
}

int control_start_send(int socket, const struct control_start *start)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    int fds[CONTROL_FDS_MAX];

    if (start->spec->n_roots > CONTROL_ROOTS_MAX)
        return -E2BIG;
    message.body_case = CONTROL_MESSAGE__BODY_START;
    message.start = start->spec;
    int err = control_send(socket, &message, fds, collect_fds(start, fds));
    return err == -EMSGSIZE ? -E2BIG : err;
}

/* --- checks: NULL, or what is wrong --- */

static const char *check_roots(const StartSpec *spec)
{
    if (spec->n_roots == 0 || spec->n_roots > CONTROL_ROOTS_MAX)
        return "the number of roots";
    if (strcmp(spec->roots[0]->name, "/") != 0)
        return "the first root is not /";
    for (size_t i = 1; i < spec->n_roots; i++)
        if (spec->roots[i]->name[0] != '/')
            return "a root whose name is not absolute";
    return NULL;
}

static const char *check_environment(const StartSpec *spec)
{
    for (size_t i = 0; i < spec->n_environment; i++)
        if (strchr(spec->environment[i], '=') == NULL)
            return "an environment entry without =";
    return NULL;
}

static const char *check_program(const StartSpec *spec)
{
    if (spec->n_argv == 0)
        return "no program";
    if (spec->n_argv > ARGUMENTS_MAX || spec->n_environment > ARGUMENTS_MAX)
        return "too many arguments";
    if (spec->cwd[0] != '/')
        return "a working directory that is not absolute";
    return check_environment(spec);
}

static const char *check_spec(const StartSpec *spec)
{
    if (control_check_name(spec->name) < 0)
        return "the name";
    if (strlen(spec->hostname) > 64)
        return "the host name";
    if (spec->options == NULL)
        return "no options";
    if (spec->log_level > LOG_LEVEL_MAX)
        return "the log level";
    const char *wrong = check_roots(spec);
    if (wrong == NULL && spec->restore == NULL)
        wrong = check_program(spec);
    return wrong;
}

/* The same for the image to restore, which says more by itself. */
static int check_image(const StartSpec *spec, char reason[CONTROL_REASON_SIZE])
{
    struct report *report = spec->restore == NULL ? NULL : host_alloc(1, sizeof(*report));
    int err = 0;

    if (spec->restore == NULL)
        return 0;
    if (report == NULL)
        return -ENOMEM;
    if (manifest_check(spec->restore, report) < 0) {
        (void)snprintf(reason, CONTROL_REASON_SIZE, "%.*s", CONTROL_REASON_SIZE - 1,
                       report->lines[0]);
        err = -EPROTO;
    }
    host_free(report);
    return err;
}

/* --- receiving --- */

static unsigned expected_fds(const StartSpec *spec)
{
    return FIXED_FDS + (spec->checkpoint_at != NULL) + (spec->restore != NULL) +
           (unsigned)spec->n_roots;
}

static void take_all(struct control_packet *packet, struct control_start *ret)
{
    unsigned nr = 0;

    control_start_init(ret);
    ret->spec = packet->message->start;
    packet->message->start = NULL;
    packet->message->body_case = CONTROL_MESSAGE__BODY__NOT_SET;
    ret->listener = control_take_fd(packet, nr++);
    ret->lock = control_take_fd(packet, nr++);
    for (unsigned i = 0; i < 3; i++)
        ret->stdio[i] = control_take_fd(packet, nr++);
    if (ret->spec->checkpoint_at != NULL)
        ret->checkpoint_dir = control_take_fd(packet, nr++);
    if (ret->spec->restore != NULL)
        ret->image_dir = control_take_fd(packet, nr++);
    for (unsigned i = 0; i < ret->spec->n_roots; i++)
        ret->root_fds[i] = control_take_fd(packet, nr++);
}

int control_start_receive(int socket, struct control_start *ret, char reason[CONTROL_REASON_SIZE])
{
    struct control_packet packet;
    const char *wrong = NULL;
    int err = control_receive(socket, &packet);

    if (err < 0) {
        (void)snprintf(reason, CONTROL_REASON_SIZE, "%s", packet.reason);
        return err;
    }
    if (packet.message->body_case != CONTROL_MESSAGE__BODY_START)
        wrong = "not a start message";
    if (wrong == NULL)
        wrong = check_spec(packet.message->start);
    if (wrong == NULL && packet.fd_count != expected_fds(packet.message->start))
        wrong = "the number of descriptors";
    if (wrong == NULL) {
        err = check_image(packet.message->start, reason);
    } else {
        (void)snprintf(reason, CONTROL_REASON_SIZE, "start: %s", wrong);
        err = -EPROTO;
    }
    if (err == 0)
        take_all(&packet, ret);
    control_packet_fini(&packet);
    return err;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)host_close(*fd);
    *fd = -1;
}

void control_start_fini(struct control_start *start)
{
    bool has_no_memory;
    ProtobufCAllocator allocator = message_allocator(&has_no_memory);

    if (start->spec != NULL)
        start_spec__free_unpacked(start->spec, &allocator);
    start->spec = NULL;
    close_one(&start->listener);
    close_one(&start->lock);
    for (unsigned i = 0; i < 3; i++)
        close_one(&start->stdio[i]);
    close_one(&start->checkpoint_dir);
    close_one(&start->image_dir);
    for (unsigned i = 0; i < CONTROL_ROOTS_MAX; i++)
        close_one(&start->root_fds[i]);
}
