/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX sockets: their life and their saved form. Invariants:
 * 1. A socket knows its peer from before it is seen by a second thread until its own last file is
 *    closed; nobody else uses the pointer. So a call on a file may use it without a lock.
 * 2. Both ends refer to each other; the end that is closed lets go, which ends the circle.
 * 3. What one end sees of the other (queue, shutdown, is it open) changes under the locks of both,
 *    and then everybody who waits on either is kicked.
 * 4. What is sent lies in the queue of the receiver and is charged to the sender's SO_SNDBUF until
 *    it was read; both follow from the queue.
 * Names (bind, listen, connect), descriptors and credentials in messages, out-of-band data are
 * absent.
 */
#include "netstack/socket/unix.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"

enum {
    UNIX_DEV = 0x08,   /* st_dev of all sockets */
    ERROR_MAX = 4095,  /* of an errno */
    CHARGE_HEAD = 256, /* Linux: sizeof(struct sk_buff), as it is allocated */
    CHARGE_TAIL = 320, /* Linux: sizeof(struct skb_shared_info) */
    CHARGE_PAGE = 4096,
    HEAD_STREAM = CHARGE_PAGE - CHARGE_TAIL,     /* Linux: SKB_MAX_HEAD(0) */
    HEAD_PACKET = 4 * CHARGE_PAGE - CHARGE_TAIL, /* Linux: SKB_MAX_ALLOC */
    PAGES_MAX = 17,                              /* Linux: MAX_SKB_FRAGS */
};

DEFINE_OBJECT_TYPE(UNIX_SOCKET, unix_socket, UnixSocket, unix_socket, .family = OBJECT_INODE);

struct unix_socket *unix_of_file(const struct file *file)
{
    return (struct unix_socket *)file->inode;
}

bool file_is_socket(const struct file *file)
{
    return file->inode->object.type == &unix_socket_type.object;
}

/* --- locks and waiters --- */

void unix_lock(struct unix_socket *socket)
{
    struct unix_socket *first = socket, *second = socket->peer;

    if (second != NULL && second < first) {
        first = socket->peer;
        second = socket;
    }
    mutex_lock(&first->lock);
    if (second != NULL)
        mutex_lock_nested(&second->lock);
}

void unix_unlock(struct unix_socket *socket)
{
    if (socket->peer != NULL)
        mutex_unlock(&socket->peer->lock);
    mutex_unlock(&socket->lock);
}

/* own: of socket itself; reading and writing: of its peer. */
static void kick_ends(struct unix_socket *socket, uint32_t own, uint32_t reading, uint32_t writing)
{
    wait_kick(&socket->readers, own);
    wait_kick(&socket->writers, own);
    if (socket->peer == NULL)
        return;
    wait_kick(&socket->peer->readers, reading);
    wait_kick(&socket->peer->writers, writing);
}

void unix_kick(struct unix_socket *socket)
{
    kick_ends(socket, UINT32_MAX, UINT32_MAX, UINT32_MAX);
}

void unix_kick_sent(struct unix_socket *socket)
{
    kick_ends(socket, 0, POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND, 0);
}

void unix_kick_received(struct unix_socket *socket)
{
    kick_ends(socket, 0, 0, POLLOUT | POLLWRNORM | POLLWRBAND);
}

/* --- the queue --- */

struct packet *packet_alloc(uint32_t size)
{
    struct packet *packet = host_alloc(1, sizeof(*packet) + size);

    if (packet != NULL)
        packet->size = size;
    return packet;
}

void packet_free(struct packet *packet)
{
    host_free(packet);
}

static uint64_t round_up(uint64_t size, uint64_t to)
{
    return (size + to - 1) / to * to;
}

/* What an allocation of size bytes takes. */
static uint64_t charge_alloc(uint64_t size)
{
    uint64_t rounded = 512;

    while (rounded < size)
        rounded *= 2;
    return rounded;
}

uint64_t unix_charge_of(int type, uint32_t size)
{
    uint32_t head = type == SOCK_STREAM ? HEAD_STREAM : HEAD_PACKET;
    uint64_t pages = size > head ? round_up(size - head, CHARGE_PAGE) : 0;

    if (pages > (uint64_t)PAGES_MAX * CHARGE_PAGE)
        pages = (uint64_t)PAGES_MAX * CHARGE_PAGE;
    uint64_t rest = size > pages ? size - pages : 0;
    return CHARGE_HEAD + charge_alloc(rest + CHARGE_TAIL) + pages;
}

uint64_t unix_charge_sent(const struct unix_socket *socket)
{
    return socket->peer == NULL ? 0 : socket->peer->charge;
}

void unix_queue_add(struct unix_socket *socket, struct packet *packet)
{
    TAILQ_INSERT_TAIL(&socket->queue, packet, link);
    socket->charge += unix_charge_of(socket->type, packet->size);
}

struct packet *unix_queue_take(struct unix_socket *socket)
{
    struct packet *packet = TAILQ_FIRST(&socket->queue);

    if (packet == NULL)
        return NULL;
    TAILQ_REMOVE(&socket->queue, packet, link);
    socket->charge -= unix_charge_of(socket->type, packet->size);
    return packet;
}

static void unix_queue_clear(struct unix_socket *socket)
{
    struct packet *packet;

    while ((packet = unix_queue_take(socket)) != NULL)
        packet_free(packet);
}

bool unix_peer_is_open(const struct unix_socket *socket)
{
    return socket->peer != NULL && socket->peer->open_count > 0;
}

int unix_take_error(struct unix_socket *socket)
{
    int error = socket->error;

    socket->error = 0;
    return -error;
}

/* --- life --- */

void unix_open(struct file *file)
{
    struct unix_socket *socket = unix_of_file(file);

    mutex_lock(&socket->lock);
    socket->open_count++;
    mutex_unlock(&socket->lock);
}

/* The last file goes: both ends are locked. */
static void unix_disconnect(struct unix_socket *socket)
{
    struct unix_socket *peer = socket->peer;

    if (peer != NULL && socket->type != SOCK_DGRAM) {
        peer->shutdown = UNIX_SHUT_BOTH;
        if (!TAILQ_EMPTY(&socket->queue))
            peer->error = ECONNRESET;
    }
    unix_queue_clear(socket);
    unix_kick(socket);
}

void unix_close(struct file *file)
{
    struct unix_socket *socket = unix_of_file(file);
    struct unix_socket *peer = socket->peer;

    unix_lock(socket);
    bool is_last = --socket->open_count == 0;
    if (is_last)
        unix_disconnect(socket);
    unix_unlock(socket);
    if (!is_last)
        return;
    socket->peer = NULL;
    object_put((struct object *)peer);
}

static int unix_create(int type, const struct socket_owner *owner, const struct cred *cred,
                       struct unix_socket **ret)
{
    struct unix_socket *socket = object_alloc(&unix_socket_type.object);

    if (socket == NULL)
        return -ENOMEM;
    socket->type = type;
    socket->owner = *owner;
    socket->is_connected = true;
    socket->send_size = socket->receive_size = UNIX_BUFFER;
    socket->low_water = 1;
    socket->send_timeout = socket->receive_timeout = NSEC_NEVER;
    inode_set_owner(&socket->inode, NULL, S_IFSOCK | 0777, cred);
    socket->inode.attr.nr = inode_next_nr();
    socket->inode.dev = UNIX_DEV;
    *ret = socket;
    return 0;
}

/* Takes neither reference. Files that exist close their sockets when they are put. */
static int create_files(struct unix_socket *a, struct unix_socket *b, uint32_t flags,
                        struct file *ret[2])
{
    struct file *file;

    int err = file_create(&a->inode, NULL, flags | O_RDWR, &file);
    if (err < 0)
        return err;
    err = file_create(&b->inode, NULL, flags | O_RDWR, &ret[1]);
    if (err < 0)
        object_put(&file->object);
    else
        ret[0] = file;
    return err;
}

int socket_create_pair(int type, const struct socket_owner *owner, const struct cred *cred,
                       uint32_t flags, struct file *ret[2])
{
    struct unix_socket *a, *b;

    int err = unix_create(type, owner, cred, &a);
    if (err < 0)
        return err;
    err = unix_create(type, owner, cred, &b);
    if (err < 0) {
        object_put(&a->object);
        return err;
    }
    a->peer = object_get(&b->object);
    b->peer = object_get(&a->object);
    err = create_files(a, b, flags, ret);
    if (err < 0) {
        object_put((struct object *)a->peer);
        object_put((struct object *)b->peer);
        a->peer = b->peer = NULL;
    }
    object_put(&a->object);
    object_put(&b->object);
    return err;
}

/* --- the object --- */

/* A socket is reached through its file only: /proc/self/fd/N does not open it anew. */
static int unix_inode_open(struct inode **inode, int flags)
{
    (void)inode;
    (void)flags;
    return -ENXIO;
}

static const struct inode_ops unix_inode_ops = {.open = unix_inode_open};

static void unix_socket_init(struct unix_socket *socket)
{
    inode_init(&socket->inode, &unix_inode_ops, &unix_file_ops);
    mutex_init(&socket->lock, LOCK_SOCKET);
    TAILQ_INIT(&socket->queue);
    wait_queue_init(&socket->readers, &socket->lock);
    wait_queue_init(&socket->writers, &socket->lock);
}

static void unix_socket_fini(struct unix_socket *socket)
{
    struct unix_socket *peer = socket->peer;

    wait_queue_fini(&socket->readers);
    wait_queue_fini(&socket->writers);
    unix_queue_clear(socket);
    socket->peer = NULL;
    object_put((struct object *)peer);
    inode_fini(&socket->inode);
}

static int save_queue(const struct unix_socket *socket, struct saver *saver, UnixSocket *m)
{
    const struct packet *packet;
    size_t count = 0;

    TAILQ_FOREACH(packet, &socket->queue, link)
        count++;
    m->packets = save_messages(saver, &socket_packet__descriptor, count);
    if (m->packets == NULL && count > 0)
        return -ENOMEM;
    TAILQ_FOREACH(packet, &socket->queue, link) {
        SocketPacket *to = m->packets[m->n_packets++];
        to->start = packet->start;
        to->data.data = (uint8_t *)packet->data + packet->start;
        to->data.len = packet->size - packet->start;
    }
    return 0;
}

static int unix_socket_save(const struct unix_socket *socket, struct saver *saver, UnixSocket *m)
{
    m->type = (uint32_t)socket->type;
    m->peer = save_ref(saver, (const struct object *)socket->peer);
    m->owner_pid = socket->owner.pid;
    m->owner_uid = socket->owner.uid;
    m->owner_gid = socket->owner.gid;
    m->is_connected = socket->is_connected;
    m->shutdown = socket->shutdown;
    m->error = (uint32_t)socket->error;
    m->send_size = socket->send_size;
    m->receive_size = socket->receive_size;
    m->low_water = socket->low_water;
    m->send_timeout = socket->send_timeout;
    m->receive_timeout = socket->receive_timeout;
    m->options = socket->options;
    m->priority = socket->priority;
    m->linger_time = socket->linger_time;
    int err = save_queue(socket, saver, m);
    return err < 0 ? err : inode_save_attr(&socket->inode, saver, &m->attr);
}

static int load_queue(struct unix_socket *socket, struct loader *loader, const UnixSocket *m)
{
    for (size_t i = 0; i < m->n_packets; i++) {
        const SocketPacket *from = m->packets[i];
        bool is_whole = socket->type != SOCK_STREAM;
        if (from->data.len > SOCKET_BUFFER_MAX || from->start > SOCKET_BUFFER_MAX ||
            (is_whole ? from->start > 0 : from->data.len == 0)) {
            load_bad(loader, "packets", "%zu bytes from %" PRIu32 " on cannot be", from->data.len,
                     from->start);
            return 0;
        }
        struct packet *packet = packet_alloc(from->start + (uint32_t)from->data.len);
        if (packet == NULL)
            return -ENOMEM;
        packet->start = from->start;
        if (from->data.len > 0)
            memcpy(packet->data + packet->start, from->data.data, from->data.len);
        unix_queue_add(socket, packet);
    }
    return 0;
}

static bool size_is_possible(uint32_t size, uint32_t min)
{
    return size >= min && size <= SOCKET_BUFFER_MAX;
}

static void load_options(struct unix_socket *socket, struct loader *loader, const UnixSocket *m)
{
    socket->send_size = m->send_size;
    socket->receive_size = m->receive_size;
    if (!size_is_possible(m->send_size, UNIX_SEND_MIN))
        load_bad(loader, "send_size", "%" PRIu32 " is not possible", m->send_size);
    if (!size_is_possible(m->receive_size, UNIX_RECEIVE_MIN))
        load_bad(loader, "receive_size", "%" PRIu32 " is not possible", m->receive_size);
    socket->low_water = m->low_water;
    if (m->low_water < 1 || m->low_water > INT32_MAX)
        load_bad(loader, "low_water", "%" PRIu32 " is not possible", m->low_water);
    socket->send_timeout = m->send_timeout;
    socket->receive_timeout = m->receive_timeout;
    if (m->send_timeout < 0 || m->receive_timeout < 0)
        load_bad(loader, "send_timeout", "is negative");
    socket->options = m->options;
    socket->priority = m->priority;
    socket->linger_time = m->linger_time;
}

static int unix_socket_load(struct unix_socket *socket, struct loader *loader, const UnixSocket *m)
{
    inode_load_attr(&socket->inode, loader, m->attr);
    socket->type = (int)m->type;
    if (m->type != SOCK_STREAM && m->type != SOCK_DGRAM && m->type != SOCK_SEQPACKET)
        load_bad(loader, "type", "%" PRIu32 " is not possible", m->type);
    socket->peer = load_ref_opt(loader, "peer", m->peer, &unix_socket_type);
    socket->owner = (struct socket_owner){m->owner_pid, m->owner_uid, m->owner_gid};
    socket->is_connected = m->is_connected;
    socket->shutdown = m->shutdown;
    if (m->shutdown > UNIX_SHUT_BOTH)
        load_bad(loader, "shutdown", "%" PRIu32 " is not possible", m->shutdown);
    socket->error = (int)m->error;
    if (m->error > ERROR_MAX)
        load_bad(loader, "error", "%" PRIu32 " is not possible", m->error);
    load_options(socket, loader, m);
    return load_queue(socket, loader, m);
}

/* The files count themselves, the waiting calls queue themselves. */
static void unix_socket_relink(struct unix_socket *socket, struct loader *loader)
{
    struct unix_socket *peer = socket->peer;

    if (peer == NULL || (peer != socket && peer->type == socket->type &&
                         (peer->peer == NULL || peer->peer == socket)))
        return;
    load_bad(loader, "peer", "is the peer of another one");
    socket->peer = NULL;
    object_put(&peer->object);
}

static uint64_t unix_socket_derived(const struct unix_socket *socket)
{
    return (uint64_t)socket->open_count << 48 | wait_queue_count(&socket->readers) << 40 |
           wait_queue_count(&socket->writers) << 32 | (socket->charge & UINT32_MAX);
}
