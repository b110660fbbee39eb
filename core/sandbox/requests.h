/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/sandbox/server.h"

/* The state of the control thread. */
struct server {
    struct kernel *kernel;
    const struct control_start *start;
    int start_socket;
    bool has_starter;      /* the tool that started us is still there */
    bool is_over;          /* the sandbox has ended, or its image goes on elsewhere */
    bool is_paused;        /* the kernel is frozen until a request ends it */
    uint64_t held_signals; /* bit n - 1: signal n, to be sent when it goes on */
    int epoll;
    struct gate_pass pass;
};

/* Where answers go: events of the starting tool have serial 0. */
struct peer {
    int socket;
    uint64_t serial;
};

/* Answers a request on socket. */
void request_serve(struct server *server, int socket, struct control_packet *packet);
/* Takes the checkpoint that a task has asked for, if one has. */
void request_serve_call(struct server *server);
/* A signal from outside for pid 1. A paused sandbox gets it when it goes on; for SIGKILL it does so
 * at once. */
int server_signal(struct server *server, int signal);
