/* SPDX-License-Identifier: Apache-2.0 */
/* A client of one sandbox: a connection, one request after the other. */
#include "tools/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/state_dir.h"

enum { FIRST_SERIAL = 1 };

int client_connect(int state_dir, const char *name, struct report *report, int *ret_socket)
{
    char socket_name[STATE_FILE_SIZE];
    struct state_entry entry;
    int err = state_dir_find(state_dir, name, &entry);

    if (err == 0) {
        state_dir_socket_name(name, socket_name);
        err = control_connect(state_dir, socket_name, ret_socket);
    }
    if (err == -ENOENT)
        report_bad(report, "no such sandbox");
    else if (err < 0)
        report_bad(report, "%s", strerror(-err));
    return err;
}

static int check_answer(const struct control_packet *packet, uint64_t serial,
                        ControlMessage__BodyCase expected, struct report *report)
{
    const ControlMessage *message = packet->message;

    if (message->body_case == CONTROL_MESSAGE__BODY_FAILED) {
        report_bad(report, "%.250s", message->failed->message);
        return -EREMOTEIO;
    }
    if (message->body_case != expected || message->serial != serial) {
        report_bad(report, "the sandbox gave an unexpected answer");
        return -EPROTO;
    }
    return 0;
}

static int report_error(int err, const struct control_packet *packet, struct report *report)
{
    if (err == -ECONNRESET || err == -EPIPE)
        report_bad(report, "the sandbox has ended");
    else if (err == -EAGAIN)
        report_bad(report, "the sandbox does not answer");
    else if (err == -EPROTO && packet != NULL)
        report_bad(report, "%s", packet->reason);
    else if (err < 0)
        report_bad(report, "%s", strerror(-err));
    return err;
}

int client_send(int socket, ControlMessage *request, const int *fds, unsigned fd_count,
                struct report *report)
{
    request->serial = FIRST_SERIAL;
    return report_error(control_send(socket, request, fds, fd_count), NULL, report);
}

int client_receive(int socket, ControlMessage__BodyCase expected, struct control_packet *ret,
                   struct report *report)
{
    int err = report_error(control_receive(socket, ret), ret, report);

    if (err < 0)
        return err;
    err = check_answer(ret, FIRST_SERIAL, expected, report);
    if (err < 0)
        control_packet_fini(ret);
    return err;
}

int client_ask(int socket, ControlMessage *request, const int *fds, unsigned fd_count,
               ControlMessage__BodyCase expected, struct control_packet *ret, struct report *report)
{
    int err = client_send(socket, request, fds, fd_count, report);

    return err < 0 ? err : client_receive(socket, expected, ret, report);
}

int client_command(const char *root, const char *name, ControlMessage *request, unsigned timeout_ms,
                   struct report *report)
{
    struct control_packet packet;
    int state_dir, socket;
    int err = state_dir_open(root, report, &state_dir);

    if (err < 0)
        return err;
    err = client_connect(state_dir, name, report, &socket);
    (void)close(state_dir);
    if (err < 0)
        return err;
    (void)control_set_timeout(socket, timeout_ms);
    err = client_ask(socket, request, NULL, 0, CONTROL_MESSAGE__BODY_DONE, &packet, report);
    if (err == 0)
        control_packet_fini(&packet);
    (void)close(socket);
    return err;
}
