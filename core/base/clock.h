/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds. */
typedef int64_t nsec_t;

#define NSEC_NEVER INT64_MAX
#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

/*
 * The sandbox's CLOCK_MONOTONIC. No lock: it is read inside the gate and written only while every
 * passer is outside, so the gate orders both. CLOCK_REALTIME is the host's.
 */
struct clock {
    nsec_t offset;     /* host time = clock + offset; not saved */
    nsec_t stopped_at; /* valid while stopped */
    bool is_stopped;   /* not saved: a saved clock stands */
};

/* Now; a stopped clock gives the time at which it was stopped. */
nsec_t clock_now(const struct clock *clock);
/* The host time at which this clock shows time, if it is not stopped before. */
nsec_t clock_to_host(const struct clock *clock, nsec_t time);
void clock_stop(struct clock *clock);
void clock_start(struct clock *clock);
