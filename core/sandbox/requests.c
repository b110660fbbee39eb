/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of the control protocol. A checkpoint has two halves: the files are written, then
 * the tool makes them count and says so; a sandbox that was to stop goes on unless it hears that.
 */
#include "core/sandbox/requests.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/checkpoint.h"
#include "core/freeze.h"
#include "snapshot/image_dir.h"

enum { EXIT_FAILED = 125 };

#define PAUSE_TIMEOUT (10 * NSEC_PER_SEC)

static int send_signal(struct server *server, int signal)
{
    if (gate_enter(&server->pass) < 0)
        return -ESRCH;
    int err = kernel_signal_init(server->kernel, signal);
    gate_leave(&server->pass, GATE_PARKED);
    return err;
}

static void go_on(struct server *server)
{
    uint64_t held = server->held_signals;

    server->is_paused = false;
    server->held_signals = 0;
    kernel_thaw(server->kernel);
    for (int signal = 1; signal <= SIGNAL_COUNT; signal++)
        if ((held >> (signal - 1) & 1) != 0)
            (void)send_signal(server, signal);
}

int server_signal(struct server *server, int signal)
{
    if (server->is_paused && signal != SIGKILL) {
        server->held_signals |= UINT64_C(1) << (signal - 1);
        return 0;
    }
    if (server->is_paused)
        go_on(server);
    return send_signal(server, signal);
}

static void serve_kill(struct server *server, struct peer peer, const KillRequest *request)
{
    if (request->signal < 1 || request->signal > SIGNAL_COUNT) {
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED, "signal %u is unknown",
                                  request->signal);
        return;
    }
    int err = server_signal(server, (int)request->signal);
    if (err < 0)
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED, "init: %s",
                                  strerror(-err));
    else
        (void)control_send_done(peer.socket, peer.serial);
}

static int count_processes(struct process *process, void *context)
{
    StateReply *reply = context;

    reply->processes += !process->is_zombie;
    reply->tasks += atomic_load(&process->live);
    return 0;
}

static void serve_state(struct server *server, struct peer peer)
{
    struct kernel *kernel = server->kernel;
    const StartSpec *spec = server->start->spec;
    ControlMessage message = CONTROL_MESSAGE__INIT;
    StateReply reply = STATE_REPLY__INIT;

    reply.name = spec->name;
    reply.status = (char *)(server->is_paused ? "paused" : "running");
    reply.platform = (char *)platform_name(kernel->platform);
    reply.generation.data = kernel->machine->generation;
    reply.generation.len = sizeof(kernel->machine->generation);
    reply.memory_size = memfile_memory_size(kernel->memfile);
    reply.memory_limit = kernel->memory_limit;
    reply.monotonic_ns = clock_now(&kernel->clock);
    reply.n_argv = spec->n_argv;
    reply.argv = spec->argv;
    mutex_lock(&kernel->tasks_lock);
    (void)process_list_all(kernel, count_processes, &reply);
    mutex_unlock(&kernel->tasks_lock);
    message.serial = peer.serial;
    message.body_case = CONTROL_MESSAGE__BODY_STATE_REPLY;
    message.state_reply = &reply;
    (void)control_send(peer.socket, &message, NULL, 0);
}

/* --- pausing --- */

static const char *pause_sandbox(struct server *server)
{
    struct kernel *kernel = server->kernel;

    if (server->is_paused)
        return "it is paused already";
    if (atomic_load(&kernel->live_tasks) == 0)
        return "the sandbox has just ended";
    if (kernel_freeze(kernel, host_clock_now() + PAUSE_TIMEOUT) < 0)
        return "the sandbox did not come to rest in time";
    if (kernel->machine->init->is_zombie) {
        kernel_thaw(kernel);
        return "the sandbox has just ended";
    }
    server->is_paused = true;
    return NULL;
}

static void serve_pause(struct server *server, struct peer peer)
{
    const char *wrong = pause_sandbox(server);

    if (wrong == NULL)
        (void)control_send_done(peer.socket, peer.serial);
    else
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED, "%s", wrong);
}

static void serve_resume(struct server *server, struct peer peer)
{
    if (!server->is_paused) {
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED, "it is not paused");
        return;
    }
    go_on(server);
    (void)control_send_done(peer.socket, peer.serial);
}

/* --- checkpoints --- */

static const char *stdio_kind(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFCHR:
        return "character";
    case S_IFBLK:
        return "block";
    case S_IFIFO:
        return "fifo";
    default:
        return "socket";
    }
}

static int describe_stdio(struct kernel *kernel, Manifest *manifest)
{
    int err = 0;

    for (int i = 0; i < 3 && err == 0; i++) {
        struct stat stat = {.st_mode = S_IFCHR};
        if (kernel->vfs.stdio[i] >= 0)
            (void)host_fstat(kernel->vfs.stdio[i], &stat);
        err = manifest_add_stdio(manifest, stdio_kind(stat.st_mode), stat.st_dev, stat.st_ino, "");
    }
    return err;
}

static int describe_files(Manifest *manifest, const struct checkpoint_result *result)
{
    int err = manifest_add_file(manifest, KERNEL_IMG_NAME, &result->kernel_image);

    if (err == 0 && result->working_set.size > 0)
        err = manifest_add_file(manifest, WORKING_SET_NAME, &result->working_set);
    if (err == 0)
        err = manifest_add_file(manifest, PAGES_INDEX_NAME, &result->pages.index);
    if (err == 0)
        err = manifest_add_file(manifest, PAGES_IMG_NAME, &result->pages.img);
    return err;
}

static int describe(struct server *server, const struct checkpoint_result *result, Manifest **ret)
{
    struct kernel *kernel = server->kernel;
    const ImageOptions *options = server->start->spec->options;
    Manifest *manifest;
    int err = manifest_create(&manifest);

    if (err < 0)
        return err;
    manifest->clocks->monotonic_ns = result->monotonic;
    manifest->clocks->realtime_ns = result->realtime;
    manifest->epoch = result->epoch;
    manifest->counts->objects = result->object_count;
    manifest->counts->roots = result->root_count;
    manifest->counts->processes = result->process_count;
    manifest->counts->tasks = result->task_count;
    manifest->counts->blocked_tasks = result->blocked_count;
    manifest->counts->chunks = result->pages.chunk_count;
    manifest->options->memory_limit = kernel->memory_limit;
    manifest->options->strict_files = options->strict_files;
    manifest->options->ghost_limit = options->ghost_limit;
    err = manifest_set_text(&manifest->options->platform, options->platform);
    if (err == 0)
        err = manifest_set_text(&manifest->name, server->start->spec->name);
    if (err == 0)
        err = manifest_set_generation(manifest, kernel->machine->generation);
    for (unsigned i = 0; i < kernel->vfs.root_count && err == 0; i++) {
        const struct host_root *root = &kernel->vfs.roots[i];
        err = manifest_add_root(manifest, root->name, root->path, root->is_writable);
    }
    if (err == 0)
        err = describe_stdio(kernel, manifest);
    if (err == 0)
        err = describe_files(manifest, result);
    if (err < 0)
        manifest_free(manifest);
    else
        *ret = manifest;
    return err;
}

static void fill_stats(const struct checkpoint_result *result, CheckpointStats *stats)
{
    stats->freeze_ns = (uint64_t)result->freeze_time;
    stats->pause_ns = (uint64_t)result->pause_time;
    stats->total_ns = (uint64_t)result->total_time;
    stats->objects = result->object_count;
    stats->chunks = result->pages.chunk_count;
    stats->bytes_read = result->pages.page_count * MEM_PAGE;
    stats->objects_ns = (uint64_t)result->objects_time;
    stats->protect_ns = (uint64_t)result->protect_time;
    stats->collect_ns = (uint64_t)result->collect_time;
    stats->finish_ns = (uint64_t)result->pages.finish_time;
    stats->sync_ns = (uint64_t)result->pages.sync_time;
    stats->compress_ns = (uint64_t)result->pages.compress_time;
    stats->write_ns = (uint64_t)result->pages.write_time;
    stats->chunks_copied = result->pages.copied_count;
    stats->bytes_written =
        result->kernel_image.size + result->pages.img.size + result->pages.index.size;
    stats->chunks_aside = result->aside;
    stats->chunks_in_place = result->in_place;
    stats->slot_waits = result->slot_waits;
}

static int send_written(struct server *server, struct peer peer,
                        const struct checkpoint_result *result, bool leave_running,
                        const struct checkpoint_at_place *place)
{
    CheckpointStats stats = CHECKPOINT_STATS__INIT;
    WrittenReply written = WRITTEN_REPLY__INIT;
    ControlMessage message = CONTROL_MESSAGE__INIT;
    int err = describe(server, result, &written.manifest);

    if (err < 0)
        return err;
    fill_stats(result, &stats);
    written.stats = &stats;
    written.leave_running = leave_running;
    if (place != NULL) {
        written.call_name = (char *)place->name;
        written.call_nr = place->call_nr;
        written.is_blocked = place->is_blocked;
    }
    message.serial = peer.serial;
    message.body_case = CONTROL_MESSAGE__BODY_WRITTEN;
    message.written = &written;
    err = control_send(peer.socket, &message, NULL, 0);
    manifest_free(written.manifest);
    return err;
}

/* Tells the starting tool that the sandbox has been stopped by somebody else. */
static void tell_checkpointed(struct server *server, int socket, const char *path)
{
    CheckpointedEvent event = CHECKPOINTED_EVENT__INIT;
    ControlMessage message = CONTROL_MESSAGE__INIT;

    if (!server->has_starter || socket == server->start_socket)
        return;
    event.path = (char *)path;
    message.body_case = CONTROL_MESSAGE__BODY_CHECKPOINTED;
    message.checkpointed = &event;
    (void)control_send(server->start_socket, &message, NULL, 0);
}

/* The tool's word on what was written. A signal that it hands on meanwhile is refused: nobody may
 * pass the gate now, and the tool can send it again. */
static int receive_word(int socket, struct control_packet *ret)
{
    int err = control_receive(socket, ret);

    while (err == 0 && ret->message->body_case != CONTROL_MESSAGE__BODY_COMMIT &&
           ret->message->body_case != CONTROL_MESSAGE__BODY_ABANDON) {
        (void)control_send_failed(socket, ret->message->serial, EXIT_FAILED,
                                  "a checkpoint is in progress");
        control_packet_fini(ret);
        err = control_receive(socket, ret);
    }
    return err;
}

/* Waits for the tool's word on a stopped sandbox: it is over, or goes on. */
static void settle(struct server *server, int socket, bool leave_running)
{
    struct control_packet packet;
    int err = receive_word(socket, &packet);
    bool is_committed = err == 0 && packet.message->body_case == CONTROL_MESSAGE__BODY_COMMIT;

    if (is_committed && !leave_running) {
        tell_checkpointed(server, socket, packet.message->commit->path);
        server->is_over = true;
    }
    if (!leave_running && !is_committed && !server->is_paused)
        kernel_thaw(server->kernel);
    if (err == 0)
        (void)control_send_done(socket, packet.message->serial);
    control_packet_fini(&packet);
}

static void report_failure(struct peer peer, const struct report *report, int err)
{
    if (report != NULL && report->line_count > 0)
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED, "%s", report->lines[0]);
    else
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED, "%s", strerror(-err));
}

/* A whole checkpoint, told to socket. place: it was asked for by a call. */
static void checkpoint(struct server *server, struct peer peer,
                       const struct checkpoint_options *options,
                       const struct checkpoint_at_place *place)
{
    struct checkpoint_result result;
    struct report *report = host_alloc(1, sizeof(*report));
    int err = -ENOMEM;

    if (report != NULL)
        err = checkpoint_write(server->kernel, options, report, &result);
    if (err < 0) {
        report_failure(peer, report, err);
        host_free(report);
        return;
    }
    host_free(report);
    err = send_written(server, peer, &result, options->leave_running, place);
    if (err == 0)
        settle(server, peer.socket, options->leave_running);
    else if (!options->leave_running && !server->is_paused)
        kernel_thaw(server->kernel);
}

static struct pages_options compression(const CompressOption *option)
{
    struct pages_options options = PAGES_OPTIONS_DEFAULT;

    if (option != NULL) {
        options.is_compressed = !option->is_none;
        options.level = option->zstd_level;
    }
    return options;
}

static void serve_checkpoint(struct server *server, struct peer peer, struct control_packet *packet)
{
    const CheckpointRequest *request = packet->message->checkpoint;
    struct checkpoint_options options = {.dir = packet->fds[0],
                                         .leave_running = request->leave_running,
                                         .is_frozen = server->is_paused,
                                         .pages = compression(request->compress)};

    options.pages.is_background = request->leave_running;

    if (atomic_load(&server->kernel->live_tasks) == 0) {
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED,
                                  "the sandbox has just ended");
        return;
    }
    if (server->held_signals != 0 && !request->leave_running) { /* they would be lost */
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED,
                                  "it is paused and signals wait for it: resume it first");
        return;
    }
    checkpoint(server, peer, &options, NULL);
}

void request_serve_call(struct server *server)
{
    struct checkpoint_options options = {.dir = server->start->checkpoint_dir,
                                         .is_frozen = server->is_paused,
                                         .pages = compression(server->start->spec->compress)};
    struct checkpoint_at_place place;

    if (!checkpoint_at_take(server->kernel, &place))
        return;
    if (server->has_starter)
        checkpoint(server, (struct peer){.socket = server->start_socket}, &options, &place);
    if (!server->is_over)
        checkpoint_at_done(server->kernel);
}

void request_serve(struct server *server, int socket, struct control_packet *packet)
{
    struct peer peer = {.socket = socket, .serial = packet->message->serial};

    switch (packet->message->body_case) {
    case CONTROL_MESSAGE__BODY_STATE:
        serve_state(server, peer);
        break;
    case CONTROL_MESSAGE__BODY_KILL:
        serve_kill(server, peer, packet->message->kill);
        break;
    case CONTROL_MESSAGE__BODY_PAUSE:
        serve_pause(server, peer);
        break;
    case CONTROL_MESSAGE__BODY_RESUME:
        serve_resume(server, peer);
        break;
    case CONTROL_MESSAGE__BODY_CHECKPOINT:
        serve_checkpoint(server, peer, packet);
        break;
    default:
        (void)control_send_failed(peer.socket, peer.serial, EXIT_FAILED, "this is no request");
    }
}
