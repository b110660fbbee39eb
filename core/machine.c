/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: what is saved of the kernel itself, and the root that everything else is reached
 * from. It holds pid 1 until the sandbox ends.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/kernel.h"
#include "vfs/mount.h"

DEFINE_OBJECT_TYPE(MACHINE, machine, Machine, machine);

static void machine_init(struct machine *machine)
{
    (void)strcpy(machine->domainname, "(none)");
}

static void machine_fini(struct machine *machine)
{
    object_put((struct object *)machine->init);
    object_put((struct object *)machine->root_mount);
    machine->init = NULL;
    machine->root_mount = NULL;
    if (machine->has_vdso)
        memfile_put(machine->memfile, machine->vdso_offset, VDSO_SIZE);
    machine->has_vdso = false;
}

static int machine_save(const struct machine *machine, struct saver *saver, Machine *m)
{
    m->init = save_ref(saver, (const struct object *)machine->init);
    m->root_mount = save_ref(saver, (const struct object *)machine->root_mount);
    m->last_pid = (uint32_t)machine->last_pid;
    m->hostname = save_string(saver, machine->hostname);
    m->domainname = save_string(saver, machine->domainname);
    m->generation.data = (uint8_t *)machine->generation;
    m->generation.len = sizeof(machine->generation);
    m->vdso_offset = machine->vdso_offset;
    m->last_inode = inode_last_nr();
    return 0;
}

static void name_load(struct loader *loader, const char *field, const char *from, char *to)
{
    if (strlen(from) >= MACHINE_NAME_SIZE)
        load_bad(loader, field, "is too long");
    else
        memcpy(to, from, strlen(from) + 1);
}

static int machine_load(struct machine *machine, struct loader *loader, const Machine *m)
{
    machine->init = load_ref(loader, "init", m->init, &process_type);
    machine->root_mount = load_ref(loader, "root_mount", m->root_mount, &mount_type);
    if (m->last_pid > KERNEL_PID_MAX)
        load_bad(loader, "last_pid", "%" PRIu32 " is not possible", m->last_pid);
    name_load(loader, "hostname", m->hostname, machine->hostname);
    name_load(loader, "domainname", m->domainname, machine->domainname);
    if (m->generation.len != sizeof(machine->generation))
        load_bad(loader, "generation", "has %zu bytes", m->generation.len);
    else
        memcpy(machine->generation, m->generation.data, m->generation.len);
    machine->last_pid = (int)m->last_pid;
    machine->vdso_offset = m->vdso_offset;
    inode_set_last_nr(m->last_inode);
    return 0;
}

static void machine_relink(struct machine *machine, struct loader *loader)
{
    struct kernel *kernel = kernel_of_context(loader_context(loader));

    if (machine->init->parent != NULL)
        load_bad(loader, "init", "has a parent");
    if (memfile_claim(kernel->memfile, machine->vdso_offset, VDSO_SIZE) < 0)
        load_bad(loader, "vdso_offset", "%" PRIx64 " is outside of the memory",
                 machine->vdso_offset);
    else
        machine->has_vdso = true;
    machine->memfile = kernel->memfile;
    kernel->machine = machine;
}

static uint64_t machine_derived(const struct machine *machine)
{
    return machine->has_vdso;
}
