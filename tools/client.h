/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/control.h"
#include "snapshot/report.h"

/* Connects to a sandbox by name. Every error is reported. */
int client_connect(int state_dir, const char *name, struct report *report, int *ret_socket);

/* Connects, sends a request that is answered with DoneReply, and waits for that at most so long.
 * Every error is reported. */
int client_command(const char *root, const char *name, ControlMessage *request, unsigned timeout_ms,
                   struct report *report);

/* The two halves of client_ask. */
int client_send(int socket, ControlMessage *request, const int *fds, unsigned fd_count,
                struct report *report);
int client_receive(int socket, ControlMessage__BodyCase expected, struct control_packet *ret,
                   struct report *report);

/* Sends a request (its serial is set here) and waits for the answer, which is of kind expected.
 * -EREMOTEIO: the sandbox said why not. Every error is reported; the packet is then empty. */
int client_ask(int socket, ControlMessage *request, const int *fds, unsigned fd_count,
               ControlMessage__BodyCase expected, struct control_packet *ret,
               struct report *report);
