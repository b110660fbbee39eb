/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories in memory: names in their order, each holding its inode.
 */
#include "vfs/fs/dir_names.h"

#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "vfs/dentry.h"

static int name_compare(const struct dir_name *a, const struct dir_name *b)
{
    return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(dir_name_tree, dir_name, link, name_compare, __attribute__((unused)) static)

void dir_names_init(struct dir_names *names)
{
    RB_INIT(&names->tree);
}

void dir_names_fini(struct dir_names *names)
{
    while (!RB_EMPTY(&names->tree))
        dir_names_remove(names, RB_ROOT(&names->tree));
}

struct dir_name *dir_names_find(const struct dir_names *names, const char *name)
{
    struct dir_name key = {.name = (char *)name};

    return RB_FIND(dir_name_tree, (struct dir_name_tree *)&names->tree, &key);
}

struct dir_name *dir_names_first(const struct dir_names *names)
{
    return RB_MIN(dir_name_tree, (struct dir_name_tree *)&names->tree);
}

struct dir_name *dir_names_next(struct dir_name *name)
{
    return RB_NEXT(dir_name_tree, , name);
}

int dir_names_add(struct dir_names *names, const char *text, struct inode *inode)
{
    struct dir_name *name = host_alloc(1, sizeof(*name));

    if (name == NULL)
        return -ENOMEM;
    name->name = host_strdup(text);
    if (name->name == NULL) {
        host_free(name);
        return -ENOMEM;
    }
    name->inode = object_get((struct object *)inode);
    RB_INSERT(dir_name_tree, &names->tree, name);
    names->count++;
    return 0;
}

void dir_name_set(struct dir_name *name, struct inode *inode)
{
    struct inode *old = name->inode;

    name->inode = object_get((struct object *)inode);
    object_put((struct object *)old);
}

void dir_names_remove(struct dir_names *names, struct dir_name *name)
{
    RB_REMOVE(dir_name_tree, &names->tree, name);
    names->count--;
    object_put((struct object *)name->inode);
    host_free(name->name);
    host_free(name);
}

int dir_names_save(const struct dir_names *names, struct saver *saver, DirName ***ret,
                   size_t *count)
{
    struct dir_name *name;

    *ret = (void *)save_messages(saver, &dir_name__descriptor, names->count);
    if (*ret == NULL)
        return -ENOMEM;
    for (name = dir_names_first(names); name != NULL; name = dir_names_next(name)) {
        DirName *message = (*ret)[(*count)++];
        message->name = save_string(saver, name->name);
        message->inode = save_ref(saver, (const struct object *)name->inode);
    }
    return 0;
}

int dir_names_load(struct dir_names *names, struct loader *loader, DirName *const *messages,
                   size_t count, bool can_hide)
{
    for (size_t i = 0; i < count; i++) {
        const DirName *message = messages[i];
        if (!name_is_possible(message->name) ||
            (i > 0 && strcmp(messages[i - 1]->name, message->name) >= 0)) {
            load_bad(loader, "names.name", "%s is no name, or out of order", message->name);
            continue;
        }
        struct inode *inode = NULL;
        if (message->inode != 0 || !can_hide)
            inode = load_ref_family(loader, "names.inode", message->inode, OBJECT_INODE);
        int err = dir_names_find(names, message->name) == NULL
                      ? dir_names_add(names, message->name, inode)
                      : 0;
        object_put((struct object *)inode);
        if (err < 0)
            return err;
    }
    return 0;
}

unsigned dir_type(uint32_t mode)
{
    return (mode & S_IFMT) >> 12;
}
