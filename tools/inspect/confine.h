/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From here on this process can read what it has open, write to its standard streams, use memory
 * and end; every other system call fails with EPERM. */
int confine_reader(void);
