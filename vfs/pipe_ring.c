/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of pipes. Invariants, under the pipe's lock:
 * 1. size + reserved <= capacity; the bytes from start on, round the ring, are what was written and
 *    not read.
 * 2. If there are segments, their sizes add up to size, none is empty, and no two plain ones are
 *    neighbours.
 * 3. A splice first reserves: what it takes out can be put back in front, what it will bring has
 *    room. No reservation outlives a step.
 * *Linux:* capacity is counted in bytes here and in pages there, where small writes may fill it
 * sooner; packets are counted in pages here, too.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "vfs/pipe_struct.h"

/* Moves at most size bytes between the ring, from its byte at on, and uio. Returns the bytes moved,
 * or -EFAULT if there are none. */
static int64_t move_ring(struct pipe *pipe, struct uio *uio, uint32_t at, uint32_t size, bool in)
{
    uint32_t done = 0;

    while (done < size) {
        uint32_t from = (at + done) % pipe->capacity;
        uint32_t part = pipe->capacity - from;
        part = part < size - done ? part : size - done;
        ptrdiff_t moved = in ? uio_copy_from(uio, pipe->data + from, part)
                             : uio_copy_to(uio, pipe->data + from, part);
        if (moved < 0)
            return done > 0 ? done : moved;
        done += (uint32_t)moved;
        if ((uint32_t)moved < part)
            break;
    }
    return done;
}

/* --- segments --- */

static uint32_t segment_limit(const struct pipe *pipe)
{
    return pipe->capacity / PIPE_ATOMIC;
}

static void add_segment(struct pipe *pipe, uint32_t size, bool is_packet)
{
    struct pipe_segment *last = pipe->segments + pipe->segment_count - 1;

    if (!is_packet && pipe->segment_count > 0 && !last->is_packet) {
        last->size += size;
        return;
    }
    assert(pipe->segment_count < PIPE_SEGMENTS_MAX + 2);
    pipe->segments[pipe->segment_count++] =
        (struct pipe_segment){.size = size, .is_packet = is_packet};
}

/* size bytes were appended; before: what was there. */
static void note_written(struct pipe *pipe, uint32_t before, uint32_t size, bool is_packet)
{
    if (!is_packet && pipe->segment_count == 0)
        return;
    if (pipe->segment_count == 0 && before > 0)
        add_segment(pipe, before, false);
    add_segment(pipe, size, is_packet);
}

/* Takes size bytes off the first segment, which has them. */
static void note_read(struct pipe *pipe, uint32_t size)
{
    if (pipe->segment_count == 0)
        return;
    pipe->segments[0].size -= size;
    if (pipe->segments[0].size > 0)
        return;
    pipe->segment_count--;
    memmove(pipe->segments, pipe->segments + 1, pipe->segment_count * sizeof(*pipe->segments));
    if (pipe->segment_count == 1 && !pipe->segments[0].is_packet)
        pipe->segment_count = 0;
}

/* Bytes that one read may take, and whether what it leaves of them is dropped. */
static uint32_t first_size(const struct pipe *pipe, bool *is_packet)
{
    *is_packet = pipe->segment_count > 0 && pipe->segments[0].is_packet;
    return pipe->segment_count > 0 ? pipe->segments[0].size : pipe->size;
}

static void drop(struct pipe *pipe, uint32_t size)
{
    pipe->start = (pipe->start + size) % pipe->capacity;
    pipe->size -= size;
    note_read(pipe, size);
}

/* --- reading and writing --- */

/* What a reader finds in an empty ring: the end, unless somebody may write, or put back what was
 * taken out. */
static int64_t take_nothing(const struct pipe *pipe)
{
    return pipe->writer_count > 0 || pipe->reserved > 0 ? WAIT_AGAIN : 0;
}

static uint32_t room(const struct pipe *pipe)
{
    return pipe->capacity - pipe->size - pipe->reserved;
}

bool pipe_is_writable(const struct pipe *pipe)
{
    return room(pipe) >= PIPE_ATOMIC && pipe->segment_count < segment_limit(pipe);
}

/* One segment: a read goes on behind a plain one. */
static int64_t take_segment(struct pipe *pipe, struct uio *uio, bool *is_packet)
{
    uint32_t size = first_size(pipe, is_packet);
    uint32_t part = size < uio_left(uio) ? size : (uint32_t)uio_left(uio);
    int64_t moved = move_ring(pipe, uio, pipe->start, part, false);

    if (moved > 0)
        drop(pipe, *is_packet ? size : (uint32_t)moved);
    return moved;
}

int64_t pipe_take(struct pipe *pipe, struct uio *uio)
{
    bool was_full = pipe->capacity - pipe->size < PIPE_ATOMIC;
    bool is_packet = false;
    int64_t done = 0;

    if (uio_left(uio) == 0)
        return 0;
    if (pipe->size == 0)
        return take_nothing(pipe);
    while (pipe->size > 0 && uio_left(uio) > 0 && !is_packet) {
        int64_t moved = take_segment(pipe, uio, &is_packet);
        if (moved <= 0)
            return done > 0 ? done : moved;
        done += moved;
    }
    bool is_full = pipe->capacity - pipe->size < PIPE_ATOMIC;
    wait_kick(&pipe->writers, was_full && !is_full ? POLLOUT | POLLWRNORM : 0);
    return done;
}

/* Room for segments of packets. */
static int prepare_packets(struct pipe *pipe)
{
    if (pipe->segments == NULL)
        pipe->segments = host_alloc(PIPE_SEGMENTS_MAX + 2, sizeof(*pipe->segments));
    return pipe->segments == NULL ? -ENOMEM : 0;
}

/* Appends a piece that has room. */
static int64_t give_piece(struct pipe *pipe, struct uio *uio, uint32_t size, bool is_packet)
{
    uint32_t before = pipe->size;
    int64_t moved = move_ring(pipe, uio, pipe->start + pipe->size, size, true);

    if (moved > 0) {
        pipe->size += (uint32_t)moved;
        note_written(pipe, before, (uint32_t)moved, is_packet);
    }
    return moved;
}

static int64_t give_packets(struct pipe *pipe, struct uio *uio)
{
    int64_t done = 0, moved = 0;

    if (prepare_packets(pipe) < 0)
        return -ENOMEM;
    while (uio_left(uio) > 0) {
        uint32_t size = uio_left(uio) < PIPE_ATOMIC ? (uint32_t)uio_left(uio) : PIPE_ATOMIC;
        moved = WAIT_AGAIN;
        if (room(pipe) >= size && pipe->segment_count < segment_limit(pipe))
            moved = give_piece(pipe, uio, size, true);
        if (moved <= 0)
            break;
        done += moved;
    }
    return done > 0 ? done : moved;
}

static int64_t give_bytes(struct pipe *pipe, struct uio *uio, bool is_atomic)
{
    uint32_t size = room(pipe) < uio_left(uio) ? room(pipe) : (uint32_t)uio_left(uio);

    if (size == 0 || (is_atomic && size < uio_left(uio)) ||
        pipe->segment_count > segment_limit(pipe))
        return WAIT_AGAIN;
    return give_piece(pipe, uio, size, false);
}

int64_t pipe_give(struct pipe *pipe, struct uio *uio, bool is_atomic, bool is_packet)
{
    int64_t moved;

    if (uio_left(uio) == 0)
        return 0;
    if (pipe->reader_count == 0)
        return -EPIPE;
    moved = is_packet ? give_packets(pipe, uio) : give_bytes(pipe, uio, is_atomic);
    if (moved > 0)
        wait_kick(&pipe->readers, POLLIN | POLLRDNORM);
    return moved;
}

/* --- splices --- */

int64_t pipe_reserve(struct pipe *pipe, uint32_t size, const struct file_wait *wait)
{
    int64_t result = size;

    mutex_lock(&pipe->lock);
    if (pipe->reader_count == 0)
        result = -EPIPE;
    else if (room(pipe) == 0 || pipe->segment_count > segment_limit(pipe))
        result = WAIT_AGAIN;
    else if (room(pipe) < size)
        result = room(pipe);
    if (result > 0)
        pipe->reserved += (uint32_t)result;
    result = file_wait_or_leave(&pipe->writers, wait, result);
    mutex_unlock(&pipe->lock);
    return result;
}

void pipe_commit(struct pipe *pipe, uint32_t reserved, const void *data, uint32_t size)
{
    struct uio uio;

    assert(size <= reserved);
    uio_init(&uio, (void *)data, size);
    mutex_lock(&pipe->lock);
    pipe->reserved -= reserved;
    if (size > 0) {
        int64_t moved = give_piece(pipe, &uio, size, false);
        assert(moved == size);
    }
    pipe_kick(pipe);
    mutex_unlock(&pipe->lock);
}

int64_t pipe_peek(struct pipe *pipe, void *to, uint32_t size, const struct file_wait *wait)
{
    struct uio uio;

    uio_init(&uio, to, size);
    mutex_lock(&pipe->lock);
    int64_t result = take_nothing(pipe);
    if (pipe->size > 0)
        result = move_ring(pipe, &uio, pipe->start, pipe->size < size ? pipe->size : size, false);
    result = file_wait_or_leave(&pipe->readers, wait, result);
    mutex_unlock(&pipe->lock);
    return result;
}

int64_t pipe_take_out(struct pipe *pipe, void *to, uint32_t size, const struct file_wait *wait)
{
    bool is_packet;
    struct uio uio;

    uio_init(&uio, to, size);
    mutex_lock(&pipe->lock);
    int64_t result = take_nothing(pipe);
    if (pipe->size > 0) {
        uint32_t first = first_size(pipe, &is_packet);
        result = move_ring(pipe, &uio, pipe->start, first < size ? first : size, false);
        assert(result > 0);
        drop(pipe, (uint32_t)result);
        pipe->reserved += (uint32_t)result;
    }
    result = file_wait_or_leave(&pipe->readers, wait, result);
    mutex_unlock(&pipe->lock);
    return result;
}

void pipe_put_back(struct pipe *pipe, uint32_t taken, const void *data, uint32_t size)
{
    struct uio uio;

    assert(size <= taken);
    uio_init(&uio, (void *)data, size);
    mutex_lock(&pipe->lock);
    pipe->reserved -= taken;
    if (size > 0) {
        uint32_t at = (pipe->start + pipe->capacity - size) % pipe->capacity;
        int64_t moved = move_ring(pipe, &uio, at, size, true);
        assert(moved == size);
        pipe->start = at;
        pipe->size += size;
        if (pipe->segment_count > 0)
            pipe->segments[0].size += size;
    }
    pipe_kick(pipe);
    mutex_unlock(&pipe->lock);
}

/* --- the size of the ring --- */

uint32_t pipe_capacity(struct pipe *pipe)
{
    mutex_lock(&pipe->lock);
    uint32_t capacity = pipe->capacity;
    mutex_unlock(&pipe->lock);
    return capacity;
}

/* Copies what is in the ring to data, which has room for it, and makes that the ring. */
static void pipe_move_ring(struct pipe *pipe, uint8_t *data, uint32_t capacity)
{
    for (uint32_t done = 0, part; done < pipe->size; done += part) {
        uint32_t from = (pipe->start + done) % pipe->capacity;
        part = pipe->capacity - from;
        part = part < pipe->size - done ? part : pipe->size - done;
        memcpy(data + done, pipe->data + from, part);
    }
    host_free(pipe->data);
    pipe->data = data;
    pipe->capacity = capacity;
    pipe->start = 0;
}

int64_t pipe_set_capacity(struct pipe *pipe, uint64_t capacity)
{
    uint32_t rounded = PIPE_CAPACITY_MIN;

    if (capacity > UINT64_C(1) << 31)
        return -EINVAL;
    if (capacity > PIPE_CAPACITY_MAX)
        return -EPERM;
    while (rounded < capacity)
        rounded *= 2;
    uint8_t *data = host_alloc(rounded, 1);
    if (data == NULL)
        return -ENOMEM;
    mutex_lock(&pipe->lock);
    bool fits =
        pipe->size + pipe->reserved <= rounded && pipe->segment_count <= rounded / PIPE_ATOMIC;
    if (fits) {
        pipe_move_ring(pipe, data, rounded);
        pipe_kick(pipe);
    }
    mutex_unlock(&pipe->lock);
    if (!fits)
        host_free(data);
    return fits ? (int64_t)rounded : -EBUSY;
}
