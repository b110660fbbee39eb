/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of reading and writing start from.
 */
#include "tests/unit/pipe_scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/host_descriptors.h"
#include "vfs/pipe.h"

void scene_add_file(struct scene *scene, struct file *file, int fd)
{
    assert_int_equal(files_add(scene->files, file, 0, false, 64), fd);
}

void scene_add_pipe(struct scene *scene, uint32_t flags)
{
    static const struct cred root_cred;
    struct file *reader, *writer;

    assert_int_equal(pipe_create(&root_cred, flags, &reader, &writer), 0);
    scene_add_file(scene, reader, READER);
    scene_add_file(scene, writer, WRITER);
}

void scene_init(struct scene *scene)
{
    atomic_store(&actor_sigpipe_count, 0);
    actor_pin_limit = 0;
    scene->descriptors = host_descriptor_count();
    stage_init(&scene->stage, false);
    assert_int_equal(files_create(&scene->files), 0);
    scene->task = actor_task(&scene->stage, scene->files);
    scene_add_pipe(scene, 0);
}

void scene_fini(struct scene *scene)
{
    object_put(&scene->task->object);
    object_put(&scene->files->object);
    stage_fini(&scene->stage);
    assert_int_equal(object_live_count(), 0);
    assert_int_equal(host_descriptor_count(), scene->descriptors);
    assert_int_equal(atomic_load(&actor_pin_count), 0);
}
