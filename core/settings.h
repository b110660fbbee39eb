/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/snapshot.h"

/* What prctl(2) sets for a task, as state. Own thread only. */
struct settings {
    bool has_no_new_privs;
    bool keeps_caps; /* until an exec */
    bool has_no_huge_pages;
    uint64_t cap_unbound; /* capabilities dropped from the bounding set */
    uint64_t timer_slack; /* ns; 0: as born_slack */
    uint64_t born_slack;  /* the parent's when it was born; 0: 50 us */
};

/* Of a new task, and at an exec. */
void settings_inherit(struct settings *child, const struct settings *parent);
void settings_exec(struct settings *settings);
uint64_t settings_timer_slack(const struct settings *settings);

int settings_save(const struct settings *settings, struct saver *saver, TaskSettings **ret);
void settings_load(struct settings *settings, struct loader *loader, const TaskSettings *m);
