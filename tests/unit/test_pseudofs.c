/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated files by a small tree of their own: names, numbers, content that is made at the start
 * of a read, writes, links, numbers of inodes, images.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "vfs/file.h"
#include "vfs/fs/pseudofs.h"

/* --- a tree: /value /me /inner/big /N/sum /N/parts/M --- */

static char value[64] = "first";
static unsigned shows;

static int show_value(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    shows++;
    return bytes_printf(ret, "%s\n", value);
}

static int store_value(const struct pseudo_place *place, const char *text, size_t size)
{
    (void)place;
    if (size >= sizeof(value))
        return -EINVAL;
    memcpy(value, text, size + 1);
    return 0;
}

static int show_big(const struct pseudo_place *place, struct bytes *ret)
{
    int err = 0;

    (void)place;
    for (int i = 0; err == 0 && i < 20000; i++)
        err = bytes_printf(ret, "%06d\n", i);
    return err;
}

static int show_nothing(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    (void)ret;
    return 0;
}

static int show_error(const struct pseudo_place *place, struct bytes *ret)
{
    (void)place;
    (void)bytes_printf(ret, "half");
    return -ESRCH;
}

static int show_sum(const struct pseudo_place *place, struct bytes *ret)
{
    return bytes_printf(ret, "%d", place->numbers[0] * 1000 + place->numbers[1]);
}

static int list_three(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context)
{
    int result = 0;

    (void)dir;
    for (int number = 7; result == 0 && number < 10; number++)
        result = fn(context, number);
    return result;
}

static int check_three(struct pseudo_place *place)
{
    int number = place->numbers[1] != 0 ? place->numbers[1] : place->numbers[0];

    return number >= 7 && number < 10 ? 0 : -ENOENT;
}

static int read_me(const struct pseudo_place *place, void *task, struct bytes *ret)
{
    (void)place;
    return bytes_printf(ret, "%s", (const char *)task);
}

static const struct pseudo_node part_node = {
    .name = "#", .mode = S_IFREG | 0444, .check = check_three, .show = show_sum};

static const struct pseudo_node number_nodes[] = {
    {.name = "sum", .mode = S_IFREG | 0444, .show = show_sum},
    {.name = "parts", .mode = S_IFDIR | 0555, .numbered = &part_node, .list = list_three},
    {.name = NULL},
};

static const struct pseudo_node number_node = {
    .name = "#", .mode = S_IFDIR | 0555, .children = number_nodes, .check = check_three};

static const struct pseudo_node inner_nodes[] = {
    {.name = "big", .mode = S_IFREG | 0444, .show = show_big},
    {.name = "empty", .mode = S_IFREG | 0444, .show = show_nothing},
    {.name = "error", .mode = S_IFREG | 0444, .show = show_error},
    {.name = NULL},
};

static const struct pseudo_node root_nodes[] = {
    {.name = "value", .mode = S_IFREG | 0644, .show = show_value, .store = store_value},
    {.name = "me", .mode = S_IFLNK | 0777, .readlink = read_me},
    {.name = "inner", .mode = S_IFDIR | 0555, .children = inner_nodes},
    {.name = NULL},
};

static const struct pseudo_node root_node = {.name = "",
                                             .mode = S_IFDIR | 0555,
                                             .children = root_nodes,
                                             .numbered = &number_node,
                                             .list = list_three};

static void owner_of(const struct pseudo_place *place, uint32_t *uid, uint32_t *gid)
{
    if (place->numbers[0] != 0) {
        *uid = 100 + (uint32_t)place->numbers[0];
        *gid = 200;
    }
}

static const struct pseudo_fs fs = {.root = &root_node, .owner = owner_of};
static struct vfs_context context = {.proc = &fs};

static int set_up(void **state)
{
    static struct inode *root;

    (void)strcpy(value, "first");
    shows = 0;
    assert_int_equal(pseudofs_create(&context, &fs, &root), 0);
    *state = root;
    return 0;
}

static int tear_down(void **state)
{
    struct inode *root = *state;

    object_put(&root->object);
    assert_int_equal(object_live_count(), 0);
    return 0;
}

/* The inode at a path below root: a reference, or NULL: ENOENT. */
static struct inode *walk(struct inode *root, const char *path)
{
    struct inode *at = object_get(&root->object), *next;
    char *copy = strdup(path), *rest = copy, *name;

    while ((name = strsep(&rest, "/")) != NULL && at != NULL) {
        int err = at->ops->lookup(at, name, &next);
        object_put(&at->object);
        at = err == 0 ? next : NULL;
        if (err < 0)
            assert_int_equal(err, -ENOENT);
    }
    free(copy);
    return at;
}

static struct file *open_at(struct inode *root, const char *path, uint32_t flags)
{
    struct inode *inode = walk(root, path);
    struct file *file;

    assert_non_null(inode);
    assert_int_equal(file_create(inode, NULL, flags, &file), 0);
    object_put(&inode->object);
    return file;
}

/* As the calls do it; position NULL: the file's own. */
static int64_t read_file(struct file *file, void *to, size_t size, uint64_t *position)
{
    struct uio uio;

    int err = file->ops->prepare(file, position, NULL);
    if (err < 0)
        return err;
    uio_init(&uio, to, size);
    mutex_lock(&file->lock);
    int64_t result =
        file->ops->read(file, &uio, position != NULL ? position : &file->position, NULL);
    mutex_unlock(&file->lock);
    return result;
}

static int64_t write_file(struct file *file, const char *text)
{
    struct uio uio;

    uio_init(&uio, (void *)(uintptr_t)text, strlen(text));
    mutex_lock(&file->lock);
    int64_t result = file->ops->write(file, &uio, &file->position, strlen(text), NULL);
    mutex_unlock(&file->lock);
    return result;
}

static void test_names(void **state)
{
    static const char *const there[] = {"value", "me", "inner/big", "7", "9/sum", "8/parts/7"};
    static const char *const missing[] = {"valu",      "values", "6", "07",          "+7", "7x",
                                          "8/parts/6", "#",      "",  "99999999999", "-7"};

    for (size_t i = 0; i < ARRAY_COUNT(there); i++) {
        struct inode *inode = walk(*state, there[i]);
        assert_non_null(inode);
        object_put(&inode->object);
    }
    for (size_t i = 0; i < ARRAY_COUNT(missing); i++)
        assert_null(walk(*state, missing[i]));
}

struct seen {
    char names[256];
    uint64_t numbers[16];
    unsigned count;
    struct inode *dir;
};

static int see(void *seen_context, const char *name, uint64_t nr, unsigned type)
{
    struct seen *seen = seen_context;
    struct inode *inode;

    (void)strcat(strcat(seen->names, name), " ");
    assert_int_equal(seen->dir->ops->lookup(seen->dir, name, &inode), 0);
    assert_int_equal(inode->attr.nr, nr);
    assert_int_equal(IFTODT(inode->attr.mode), type);
    object_put(&inode->object);
    for (unsigned i = 0; i < seen->count; i++)
        assert_int_not_equal(seen->numbers[i], nr);
    seen->numbers[seen->count++] = nr;
    return 0;
}

static void test_lists(void **state)
{
    struct seen seen = {.dir = *state};

    assert_int_equal(seen.dir->ops->list(seen.dir, see, &seen), 0);
    assert_string_equal(seen.names, "value me inner 7 8 9 ");
    seen.dir = walk(*state, "8/parts"); /* numbers stay apart between the directories, too */
    assert_int_equal(seen.dir->ops->list(seen.dir, see, &seen), 0);
    assert_string_equal(seen.names, "value me inner 7 8 9 7 8 9 ");
    object_put(&seen.dir->object);
}

static void test_owner(void **state)
{
    struct inode *root = *state, *sum = walk(root, "9/sum");

    assert_int_equal(root->attr.uid, 0);
    assert_int_equal(sum->attr.uid, 109);
    assert_int_equal(sum->attr.gid, 200);
    assert_int_equal(sum->dev, root->dev);
    object_put(&sum->object);
}

static void test_reader_sees_one_state(void **state)
{
    struct file *file = open_at(*state, "value", O_RDONLY);
    char text[16] = "";

    assert_int_equal(shows, 0);
    assert_int_equal(read_file(file, text, 3, NULL), 3);
    (void)strcpy(value, "second");
    assert_int_equal(read_file(file, text + 3, 13, NULL), 3);
    assert_string_equal(text, "first\n");
    assert_int_equal(read_file(file, text, 13, NULL), 0);
    assert_int_equal(shows, 1);
    mutex_lock(&file->lock);
    assert_int_equal(file->ops->seek(file, 0, SEEK_SET), 0);
    mutex_unlock(&file->lock);
    assert_int_equal(read_file(file, text, sizeof(text), NULL), 7);
    assert_memory_equal(text, "second\n", 7);
    uint64_t position = 3;
    assert_int_equal(read_file(file, text, sizeof(text), &position), 4);
    assert_memory_equal(text, "ond\n", 4);
    object_put(&file->object);
}

static void test_content_of_any_size(void **state)
{
    struct file *big = open_at(*state, "inner/big", O_RDONLY);
    struct file *empty = open_at(*state, "inner/empty", O_RDONLY);
    struct file *error = open_at(*state, "inner/error", O_RDONLY);
    static char text[140000];

    assert_int_equal(read_file(big, text, sizeof(text), NULL), 140000);
    assert_memory_equal(text + 139993, "019999\n", 7);
    assert_int_equal(read_file(empty, text, sizeof(text), NULL), 0);
    assert_int_equal(read_file(error, text, sizeof(text), NULL), -ESRCH);
    object_put(&big->object);
    object_put(&empty->object);
    object_put(&error->object);
}

static void test_writes(void **state)
{
    struct file *file = open_at(*state, "value", O_RDWR);
    struct file *fixed = open_at(*state, "inner/big", O_RDWR);
    static char large[5000];

    assert_int_equal(write_file(file, "new"), 3);
    assert_string_equal(value, "new");
    memset(large, 'x', sizeof(large) - 1);
    assert_int_equal(write_file(file, large), -EINVAL);
    large[100] = '\0';
    assert_int_equal(write_file(file, large), -EINVAL); /* the node's own answer */
    assert_int_equal(write_file(fixed, "x"), -EINVAL);
    object_put(&file->object);
    object_put(&fixed->object);
}

static void test_link_tells_who_asks(void **state)
{
    struct inode *link = walk(*state, "me"), *dir = walk(*state, "inner");
    struct bytes target = {0};

    assert_int_equal(inode_readlink(link, "someone", &target), 0);
    assert_int_equal(target.size, 7);
    assert_memory_equal(target.data, "someone", 7);
    bytes_fini(&target);
    assert_int_equal(inode_readlink(dir, "someone", &target), -EINVAL);
    object_put(&link->object);
    object_put(&dir->object);
}

static void test_place(void **state)
{
    struct inode *part = walk(*state, "8/parts/9");
    const struct pseudo_place *place = pseudofs_place(part);

    assert_non_null(place);
    assert_int_equal(place->numbers[0], 8);
    assert_int_equal(place->numbers[1], 9);
    object_put(&part->object);
}

/* --- images --- */

static const struct snapshot_type *const types[] = {&proc_inode_type, &file_type};

static const struct snapshot_type *type_of(Object__BodyCase arm)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i]->arm == arm)
            return types[i];
    }
    return NULL;
}

static const struct snapshot_types all_types = {
    .list = types, .count = ARRAY_COUNT(types), .of = type_of};

static void test_half_read_file_is_restored(void **state)
{
    struct file *file = open_at(*state, "8/parts/9", O_RDONLY);
    struct object *roots[] = {&file->object}, *loaded[1];
    struct kernel_image image = {0};
    struct report report = {0};
    char text[16] = "";
    const struct snapshot_save_options options = {
        .with_derived = true, .context = &context, .types = &all_types, .report = &report};

    assert_int_equal(read_file(file, text, 2, NULL), 2);
    assert_int_equal(snapshot_save(roots, 1, &options, &image), 0);
    object_put(&file->object);
    assert_int_equal(snapshot_load(&all_types, &image, 0, &context, &report, loaded), 0);
    file = (struct file *)loaded[0];
    assert_int_equal(pseudofs_place(file->inode)->numbers[1], 9);
    assert_int_equal(read_file(file, text + 2, 14, NULL), 2);
    assert_string_equal(text, "8009");
    object_put(&file->object);
    kernel_image_fini(&image);
}

/* Loads an inode that says so. */
static int load_node(char *node, uint32_t mode, int32_t number)
{
    InodeAttr attr = INODE_ATTR__INIT;
    ProcInode inode = PROC_INODE__INIT;
    Object object = OBJECT__INIT;
    struct kernel_image image = {.root_count = 1};
    struct report report = {0};
    struct object *loaded[1];

    attr.mode = mode;
    inode.attr = &attr;
    inode.node = node;
    inode.number = number;
    object.id = 1;
    object.body_case = OBJECT__BODY_PROC_INODE;
    object.proc_inode = &inode;
    assert_int_equal(kernel_image_add(&image, &object), 0);
    assert_int_equal(kernel_image_close(&image), 0);
    int err = snapshot_load(&all_types, &image, 0, &context, &report, loaded);
    kernel_image_fini(&image);
    if (err == 0)
        object_put(loaded[0]);
    return err;
}

static void test_hostile_images(void **state)
{
    (void)state;
    assert_int_equal(load_node("/#/sum", S_IFREG | 0444, 7), 0);
    assert_int_equal(load_node("", S_IFDIR | 0555, 0), 0);
    assert_int_equal(load_node("/#/nothing", S_IFREG | 0444, 7), -EINVAL);
    assert_int_equal(load_node("/valu", S_IFREG | 0444, 0), -EINVAL);
    assert_int_equal(load_node("value", S_IFREG | 0444, 0), -EINVAL);
    assert_int_equal(load_node("/value/x", S_IFREG | 0444, 0), -EINVAL);
    assert_int_equal(load_node("/#/sum", S_IFDIR | 0555, 7), -EINVAL);
    assert_int_equal(load_node("/#/sum", S_IFREG | 0444, -7), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_names),
        TEST(test_lists),
        TEST(test_owner),
        TEST(test_reader_sees_one_state),
        TEST(test_content_of_any_size),
        TEST(test_writes),
        TEST(test_link_tells_who_asks),
        TEST(test_place),
        TEST(test_half_read_file_is_restored),
        TEST(test_hostile_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
