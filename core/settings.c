/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of tasks that change nothing here, but are there for those who ask and for children.
 */
#include "core/settings.h"

#include <errno.h>
#include <inttypes.h>

#include "core/capability.h"

void settings_inherit(struct settings *child, const struct settings *parent)
{
    *child = *parent;
    child->born_slack = settings_timer_slack(parent);
    child->timer_slack = 0;
}

void settings_exec(struct settings *settings)
{
    settings->keeps_caps = false;
}

uint64_t settings_timer_slack(const struct settings *settings)
{
    const uint64_t usual = 50000;

    if (settings->timer_slack != 0)
        return settings->timer_slack;
    return settings->born_slack != 0 ? settings->born_slack : usual;
}

int settings_save(const struct settings *settings, struct saver *saver, TaskSettings **ret)
{
    TaskSettings *m = save_message(saver, &task_settings__descriptor);

    if (m == NULL)
        return -ENOMEM;
    m->has_no_new_privs = settings->has_no_new_privs;
    m->keeps_caps = settings->keeps_caps;
    m->has_no_huge_pages = settings->has_no_huge_pages;
    m->cap_unbound = settings->cap_unbound;
    m->timer_slack = settings->timer_slack;
    m->born_slack = settings->born_slack;
    *ret = m;
    return 0;
}

void settings_load(struct settings *settings, struct loader *loader, const TaskSettings *m)
{
    if (m == NULL)
        return;
    if ((m->cap_unbound & ~CAP_SETS_ALL) != 0)
        load_bad(loader, "settings.cap_unbound", "%#" PRIx64 " has unknown bits", m->cap_unbound);
    settings->has_no_new_privs = m->has_no_new_privs;
    settings->keeps_caps = m->keeps_caps;
    settings->has_no_huge_pages = m->has_no_huge_pages;
    settings->cap_unbound = m->cap_unbound & CAP_SETS_ALL;
    settings->timer_slack = m->timer_slack;
    settings->born_slack = m->born_slack;
}
