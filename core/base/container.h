/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* The struct of that type whose member pointer points to. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
