/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starts a process that opens files below root for one that is confined; it ends with the other end
 * of *ret_socket. */
int hostfile_start(const char *root, int *ret_socket);
/* Asks it for a regular file, by its path below root: a descriptor to read from. */
int hostfile_open(int socket, const char *path);
