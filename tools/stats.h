/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "snapshot/control.pb-c.h"

/* --stats: one line of JSON. */
void stats_print_checkpoint(const WrittenReply *written, FILE *to);
void stats_print_restore(const RestoreStats *stats, FILE *to);
