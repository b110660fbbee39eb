/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox process without a sandbox: it speaks the control protocol and does what the first
 * argument of the guest's command says, so that the tools can be tested by themselves.
 *
 *   exit N, signal N   ends so            fail N TEXT   cannot start
 *   crash N            dies by a signal   garbage       sends bytes that are no message
 *   serve              answers requests; a signal ends it
 *   at                 checkpoints by itself, as --checkpoint-at
 *   show               prints what it was started with on its stdout
 *   deaf               starts and answers nothing
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/control.h"
#include "snapshot/image_dir.h"
#include "tests/tools/sample_objects.h"

static struct control_start start;

static void send_event(ControlMessage *message, ControlMessage__BodyCase kind)
{
    message->body_case = kind;
    if (control_send(CONTROL_START_FD, message, NULL, 0) < 0)
        exit(3);
}

static void send_started(void)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    StartedEvent started = STARTED_EVENT__INIT;
    RestoreStats stats = RESTORE_STATS__INIT;
    char *notes[] = {"log: 12 bytes longer than recorded"};

    started.platform = "fake";
    if (start.spec->restore != NULL) {
        stats.objects = start.spec->restore->counts->objects;
        started.stats = &stats;
        started.n_notes = 1;
        started.notes = notes;
    }
    message.started = &started;
    send_event(&message, CONTROL_MESSAGE__BODY_STARTED);
}

static void send_exited(unsigned code, unsigned signal)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    ExitedEvent exited = EXITED_EVENT__INIT;

    exited.code = code;
    exited.signal = signal;
    message.exited = &exited;
    send_event(&message, CONTROL_MESSAGE__BODY_EXITED);
}

/* --- checkpoints --- */

static void write_kernel_img(int dir, Manifest *manifest)
{
    struct kernel_image image = {0};
    struct image_file file;
    int fd = openat(dir, KERNEL_IMG_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);

    sample_objects(&image);
    file.size = image.frames.size;
    if (fd < 0 || write(fd, image.frames.data, file.size) != (ssize_t)file.size)
        exit(4);
    (void)close(fd);
    image_digest(image.frames.data, file.size, file.digest);
    manifest->counts->objects = image.object_count;
    kernel_image_fini(&image);
    if (getenv("FAKE_WRONG_SIZE") != NULL)
        file.size++;
    (void)manifest_add_file(manifest, KERNEL_IMG_NAME, &file);
}

static void fill_manifest(Manifest *manifest)
{
    (void)manifest_set_text(&manifest->name, start.spec->name);
    (void)manifest_set_text(&manifest->options->platform, start.spec->options->platform);
    (void)manifest_set_generation(manifest, (const uint8_t *)"0123456789abcdef");
    manifest->clocks->monotonic_ns = 5;
    manifest->counts->roots = 1;
    for (size_t i = 0; i < start.spec->n_roots; i++)
        (void)manifest_add_root(manifest, start.spec->roots[i]->name, start.spec->roots[i]->path,
                                start.spec->roots[i]->is_writable);
}

static void send_written(int socket, uint64_t serial, int dir, bool leave_running)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    WrittenReply written = WRITTEN_REPLY__INIT;
    CheckpointStats stats = CHECKPOINT_STATS__INIT;

    if (manifest_create(&written.manifest) < 0)
        exit(5);
    fill_manifest(written.manifest);
    write_kernel_img(dir, written.manifest);
    stats.objects = written.manifest->counts->objects;
    written.stats = &stats;
    written.leave_running = leave_running;
    written.call_name = serial == 0 ? "read" : "";
    written.is_blocked = true;
    message.serial = serial;
    message.written = &written;
    message.body_case = CONTROL_MESSAGE__BODY_WRITTEN;
    (void)control_send(socket, &message, NULL, 0);
    manifest_free(written.manifest);
}

/* True: the image counts. */
static bool is_committed(int socket, char path[256])
{
    struct control_packet packet;
    bool is_commit = false;

    if (control_receive(socket, &packet) == 0) {
        is_commit = packet.message->body_case == CONTROL_MESSAGE__BODY_COMMIT;
        if (is_commit)
            (void)snprintf(path, 256, "%s", packet.message->commit->path);
        (void)control_send_done(socket, packet.message->serial);
        control_packet_fini(&packet);
    }
    return is_commit;
}

static void tell_checkpointed(char *path)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    CheckpointedEvent event = CHECKPOINTED_EVENT__INIT;

    event.path = path;
    message.checkpointed = &event;
    send_event(&message, CONTROL_MESSAGE__BODY_CHECKPOINTED);
}

static void serve_checkpoint(int socket, struct control_packet *packet)
{
    bool leave_running = packet->message->checkpoint->leave_running;
    const char *awaited = getenv("FAKE_WAIT_FOR");
    char path[256];

    while (awaited != NULL && access(awaited, F_OK) < 0)
        (void)usleep(1000);
    if (getenv("FAKE_REFUSE") != NULL) {
        (void)control_send_failed(socket, packet->message->serial, 125, "cannot be saved");
        return;
    }
    send_written(socket, packet->message->serial, packet->fds[0], leave_running);
    if (is_committed(socket, path) && !leave_running) {
        tell_checkpointed(path);
        exit(0);
    }
}

/* --- requests --- */

static void serve_state(int socket, uint64_t serial)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    StateReply reply = STATE_REPLY__INIT;

    reply.name = start.spec->name;
    reply.status = "running";
    reply.platform = "fake\x1b[31m";
    reply.processes = 2;
    reply.memory_size = UINT64_C(1) << 53 | 1;
    message.serial = serial;
    message.body_case = CONTROL_MESSAGE__BODY_STATE_REPLY;
    message.state_reply = &reply;
    (void)control_send(socket, &message, NULL, 0);
}

static void serve(int socket)
{
    struct control_packet packet;

    if (control_receive(socket, &packet) < 0) {
        if (socket == CONTROL_START_FD && !start.spec->is_detached)
            exit(0);
        return;
    }
    if (packet.message->body_case == CONTROL_MESSAGE__BODY_STATE) {
        serve_state(socket, packet.message->serial);
    } else if (packet.message->body_case == CONTROL_MESSAGE__BODY_CHECKPOINT) {
        serve_checkpoint(socket, &packet);
    } else if (packet.message->body_case == CONTROL_MESSAGE__BODY_KILL) {
        (void)control_send_done(socket, packet.message->serial);
        send_exited(0, packet.message->kill->signal);
        exit(0);
    }
    control_packet_fini(&packet);
}

static void serve_all(void)
{
    struct pollfd sources[2] = {{.fd = CONTROL_START_FD, .events = POLLIN},
                                {.fd = start.listener, .events = POLLIN}};

    for (;;) {
        int client;
        (void)poll(sources, 2, -1);
        if (sources[0].revents != 0) {
            serve(CONTROL_START_FD);
            if (start.spec->is_detached)
                sources[0].fd = -1;
        }
        if ((sources[1].revents & POLLIN) != 0 && control_accept(start.listener, &client) == 0) {
            serve(client);
            (void)close(client);
        }
    }
}

static void checkpoint_at(void)
{
    char path[256];

    send_written(CONTROL_START_FD, 0, start.checkpoint_dir, false);
    if (is_committed(CONTROL_START_FD, path))
        exit(0);
    send_exited(9, 0);
}

static void show(void)
{
    const StartSpec *spec = start.spec;

    (void)dup2(start.stdio[1], 1);
    for (size_t i = 0; i < spec->n_argv; i++)
        (void)printf("argv %s\n", spec->argv[i]);
    for (size_t i = 0; i < spec->n_environment; i++)
        (void)printf("env %s\n", spec->environment[i]);
    for (size_t i = 0; i < spec->n_roots; i++)
        (void)printf("root %s %s %d\n", spec->roots[i]->name, spec->roots[i]->path,
                     spec->roots[i]->is_writable);
    (void)printf("name %s\ncwd %s\nplatform %s\n", spec->name, spec->cwd, spec->options->platform);
    (void)printf("memory_limit %llu\nghost_limit %llu\nstrict %d\nlog %u\n",
                 (unsigned long long)spec->options->memory_limit,
                 (unsigned long long)spec->options->ghost_limit, spec->options->strict_files,
                 spec->log_level);
    (void)printf("session %d\n", getsid(0) == getpid());
    (void)fflush(stdout);
}

static unsigned argument(size_t nr)
{
    return nr < start.spec->n_argv ? (unsigned)atoi(start.spec->argv[nr]) : 0;
}

static void run_command(const char *command)
{
    if (strcmp(command, "fail") == 0) {
        (void)control_send_failed(CONTROL_START_FD, 0, argument(1), "%s", start.spec->argv[2]);
        exit((int)argument(start.spec->n_argv > 3 ? 3 : 1));
    }
    send_started();
    if (strcmp(command, "exit") == 0)
        send_exited(argument(1), 0);
    else if (strcmp(command, "signal") == 0)
        send_exited(0, argument(1));
    else if (strcmp(command, "unclean") == 0) {
        send_exited(argument(1), 0);
        exit((int)argument(2));
    } else if (strcmp(command, "crash") == 0)
        (void)raise((int)argument(1));
    else if (strcmp(command, "garbage") == 0)
        (void)send(CONTROL_START_FD, "\xff\xff\xff", 3, 0);
    else if (strcmp(command, "serve") == 0)
        serve_all();
    else if (strcmp(command, "at") == 0)
        checkpoint_at();
    else if (strcmp(command, "deaf") == 0)
        (void)pause();
    else if (strcmp(command, "show") == 0) {
        show();
        send_exited(0, 0);
    }
}

int main(void)
{
    char reason[CONTROL_REASON_SIZE];

    if (control_start_receive(CONTROL_START_FD, &start, reason) < 0) {
        (void)control_send_failed(CONTROL_START_FD, 0, 125, "%s", reason);
        return 2;
    }
    if (start.spec->restore != NULL) {
        send_started();
        if (start.spec->checkpoint_at != NULL)
            checkpoint_at();
        else
            send_exited(42, 0);
    } else {
        run_command(start.spec->argv[0]);
    }
    control_start_fini(&start);
    return 0;
}
