/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* From here on this process can read what it has open, ask for the attributes of names, write to
 * its standard streams, use memory, send to and receive from helper (a socket, or -1), and end;
 * every other system call fails with EPERM, and no descriptor is made but by helper. Memory is what
 * it has now and that many bytes more. */
int confine_reader(int helper, uint64_t memory);

/* From here on this process can open files beneath what it has open, answer on its socket, and end.
 */
int confine_opener(void);
