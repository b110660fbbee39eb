/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIFOs: pipes with names. The inode at the name is its node; while somebody has it open there is a
 * pipe that holds the node and stands in a list, where the next who opens finds it. It goes with
 * the last file. The list holds no references.
 *
 * Who opens one side waits for the next who opens the other, if nobody has it open. So that none is
 * missed, opens are counted: the file's position, which a pipe has no other use for, keeps what the
 * count of the other side was. 0: it has not to wait.
 */
#include <errno.h>

#include "core/base/host.h"
#include "vfs/pipe_struct.h"

static struct mutex fifos_lock = MUTEX_INITIALIZER(LOCK_FIFOS);
static LIST_HEAD(, pipe) fifos = LIST_HEAD_INITIALIZER(fifos);

/* A reference; NULL: nobody has it open. */
static struct pipe *find(const struct inode *node)
{
    struct pipe *pipe;

    mutex_assert_held(&fifos_lock);
    LIST_FOREACH(pipe, &fifos, link) {
        if (pipe->node == node && object_get_live(&pipe->object) != NULL)
            return pipe;
    }
    return NULL;
}

static void add(struct pipe *pipe)
{
    LIST_INSERT_HEAD(&fifos, pipe, link);
    pipe->is_listed = true;
}

/* The pipe of a node, a reference; made if there is none. */
static int find_or_make(struct inode *node, struct pipe **ret)
{
    const struct cred cred = {0};
    struct pipe *fresh;

    int err = pipe_alloc(&cred, &fresh);
    if (err < 0)
        return err;
    fresh->node = object_get(&node->object);
    mutex_lock(&fifos_lock);
    struct pipe *pipe = find(node);
    if (pipe == NULL) {
        add(fresh);
        pipe = object_get(&fresh->object);
    }
    mutex_unlock(&fifos_lock);
    object_put(&fresh->object);
    *ret = pipe;
    return 0;
}

int fifo_open(struct inode **inode, int flags)
{
    struct pipe *pipe;

    if ((*inode)->object.type == &pipe_type.object)
        return 0;
    int err = find_or_make(*inode, &pipe);
    if (err < 0)
        return err;
    mutex_lock(&pipe->lock);
    bool is_alone = pipe->reader_count == 0;
    mutex_unlock(&pipe->lock);
    if ((flags & O_ACCMODE) == O_WRONLY && (flags & O_NONBLOCK) != 0 && is_alone) {
        object_put(&pipe->object);
        return -ENXIO;
    }
    object_put(&(*inode)->object);
    *inode = &pipe->inode;
    return 0;
}

void fifo_count_open(struct pipe *pipe, struct file *file)
{
    bool is_reader = file_is_readable(file), is_writer = file_is_writable(file);

    mutex_assert_held(&pipe->lock);
    pipe->reader_opens += is_reader;
    pipe->writer_opens += is_writer;
    file->position = 0;
    if (is_reader && !is_writer && pipe->writer_count == 0)
        file->position = pipe->writer_opens;
    if (is_writer && !is_reader && pipe->reader_count == 0)
        file->position = pipe->reader_opens;
    wait_kick_all(&pipe->openers);
    pipe_kick(pipe);
}

static struct pipe *fifo_of_file(struct file *file)
{
    struct pipe *pipe = pipe_of_file(file);

    return pipe == NULL || pipe->node == NULL ? NULL : pipe;
}

bool fifo_open_waits(struct file *file, struct wait_entry *entry, struct waiter *waiter)
{
    struct pipe *pipe = fifo_of_file(file);

    if (pipe == NULL || file_is_nonblocking(file))
        return false;
    mutex_lock(&pipe->lock);
    uint32_t opens = file_is_readable(file) ? pipe->writer_opens : pipe->reader_opens;
    bool is_waiting = file->position != 0 && file->position == opens;
    if (is_waiting)
        wait_add(&pipe->openers, entry, waiter);
    else
        wait_remove(&pipe->openers, entry);
    mutex_unlock(&pipe->lock);
    return is_waiting;
}

struct wait_queue *fifo_open_queue(struct file *file)
{
    struct pipe *pipe = fifo_of_file(file);

    return pipe == NULL ? NULL : &pipe->openers;
}

bool fifo_relink(struct pipe *pipe)
{
    mutex_lock(&fifos_lock);
    struct pipe *other = find(pipe->node);
    bool is_possible = other == NULL && S_ISFIFO(inode_mode(pipe->node)) &&
                       pipe->node->object.type != &pipe_type.object;
    if (is_possible)
        add(pipe);
    mutex_unlock(&fifos_lock);
    object_put((struct object *)other);
    return is_possible;
}

void fifo_forget(struct pipe *pipe)
{
    mutex_lock(&fifos_lock);
    if (pipe->is_listed)
        LIST_REMOVE(pipe, link);
    pipe->is_listed = false;
    mutex_unlock(&fifos_lock);
    object_put((struct object *)pipe->node);
    pipe->node = NULL;
}
