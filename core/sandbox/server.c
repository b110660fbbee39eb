/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread. It handles one request after the other, each to its end, so a signal that is
 * sent during a checkpoint is applied after it, or refused with the connection when the sandbox
 * does not go on. What changes the kernel is done inside the gate. The dialogues are in
 * docs/control.md.
 */
#include "core/sandbox/server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/host.h"
#include "core/freeze.h"
#include "core/sandbox/requests.h"

enum { KEY_LISTENER, KEY_START, KEY_NOTIFY, EVENTS = 8, REQUEST_TIMEOUT_MS = 5000 };

static int watch(struct server *server, int fd, uint64_t key)
{
    return host_epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, EPOLLIN, key);
}

static int server_init(struct server *server)
{
    server->epoll = host_epoll_create();
    if (server->epoll < 0)
        return server->epoll;
    gate_join(&server->kernel->gate, &server->pass);
    int err = watch(server, server->start->listener, KEY_LISTENER);
    if (err == 0)
        err = watch(server, server->start_socket, KEY_START);
    if (err == 0)
        err = watch(server, server->kernel->notify_fd, KEY_NOTIFY);
    return err;
}

/* A connection carries one request. */
static void serve_connection(struct server *server)
{
    struct control_packet packet = {0};
    int socket;

    if (control_accept(server->start->listener, &socket) < 0)
        return;
    (void)control_set_timeout(socket, REQUEST_TIMEOUT_MS);
    int err = control_receive(socket, &packet);
    if (err == -EPROTO)
        (void)control_send_failed(socket, 0, 125, "%s", packet.reason);
    if (err == 0) {
        (void)control_set_timeout(socket, 0);
        request_serve(server, socket, &packet);
    }
    control_packet_fini(&packet);
    (void)host_close(socket);
}

/* The starting tool has gone, or says something (it signals, as any other client does). */
static void serve_start_socket(struct server *server)
{
    struct control_packet packet = {0};
    int err = control_receive(server->start_socket, &packet);

    if (err == 0) {
        request_serve(server, server->start_socket, &packet);
        control_packet_fini(&packet);
        return;
    }
    control_packet_fini(&packet);
    (void)host_epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->start_socket, 0, KEY_START);
    server->has_starter = false;
    if (!server->start->spec->is_detached)
        server_signal(server, SIGKILL);
}

static void tell_exit(struct server *server)
{
    int status = kernel_exit_status(server->kernel);
    ExitedEvent exited = EXITED_EVENT__INIT;
    ControlMessage message = CONTROL_MESSAGE__INIT;

    exited.signal = (uint32_t)status & 0x7f;
    exited.code = (uint32_t)status >> 8 & 0xff;
    message.body_case = CONTROL_MESSAGE__BODY_EXITED;
    message.exited = &exited;
    if (server->has_starter)
        (void)control_send(server->start_socket, &message, NULL, 0);
    server->is_over = true;
}

static void serve_notification(struct server *server)
{
    (void)host_eventfd_take(server->kernel->notify_fd);
    if (atomic_load(&server->kernel->live_tasks) == 0)
        tell_exit(server);
    else
        request_serve_call(server);
}

void server_run(struct kernel *kernel, const struct control_start *start, int start_socket)
{
    struct server server = {.kernel = kernel,
                            .start = start,
                            .start_socket = start_socket,
                            .has_starter = true,
                            .epoll = -1};
    struct epoll_event events[EVENTS];
    int err = server_init(&server);

    while (err == 0 && !server.is_over) {
        int count = host_epoll_wait(server.epoll, events, EVENTS, -1);
        for (int i = 0; i < count && !server.is_over; i++) {
            if (events[i].data.u64 == KEY_LISTENER)
                serve_connection(&server);
            else if (events[i].data.u64 == KEY_START)
                serve_start_socket(&server);
            else
                serve_notification(&server);
        }
    }
    if (server.epoll >= 0)
        (void)host_close(server.epoll);
    if (err < 0) {
        host_log(LOG_ERROR, "control: %s", strerror(-err));
        (void)kernel_freeze(kernel, NSEC_NEVER);
    }
}
