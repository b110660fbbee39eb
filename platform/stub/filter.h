/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writes both filters of the stubs into CONFIG, which is seen here at config. */
void filters_write(char *config);
