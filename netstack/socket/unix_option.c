/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of AF_UNIX sockets (SOL_SOCKET). SO_SNDBUF, timeouts and the low-water mark have their
 * effect; the rest, SO_RCVBUF too, is kept and told, as on Linux. *Linux:* SO_SNDBUFFORCE and
 * SO_RCVBUFFORCE are ENOPROTOOPT.
 */
#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include "netstack/socket/unix.h"

/* Those that are on or off and nothing else. */
static const uint64_t flag_options = UINT64_C(1) << SO_DEBUG | UINT64_C(1) << SO_REUSEADDR |
                                     UINT64_C(1) << SO_DONTROUTE | UINT64_C(1) << SO_BROADCAST |
                                     UINT64_C(1) << SO_KEEPALIVE | UINT64_C(1) << SO_OOBINLINE |
                                     UINT64_C(1) << SO_REUSEPORT | UINT64_C(1) << SO_PASSCRED |
                                     UINT64_C(1) << SO_TIMESTAMP | UINT64_C(1) << SO_PASSSEC;

static bool is_flag(int option)
{
    return option > 0 && option < 64 && (flag_options >> option & 1) != 0;
}

nsec_t socket_timeout(const struct file *file, bool is_send)
{
    struct unix_socket *socket = unix_of_file(file);

    mutex_lock(&socket->lock);
    nsec_t timeout = is_send ? socket->send_timeout : socket->receive_timeout;
    mutex_unlock(&socket->lock);
    return timeout;
}

uint64_t socket_low_water(const struct file *file, uint64_t size)
{
    struct unix_socket *socket = unix_of_file(file);

    mutex_lock(&socket->lock);
    uint64_t least = socket->low_water < size ? socket->low_water : size;
    mutex_unlock(&socket->lock);
    return least > 0 ? least : 1;
}

/* --- get --- */

static int put_value(void *to, size_t size, const void *value, size_t value_size)
{
    size = size < value_size ? size : value_size;
    memcpy(to, value, size);
    return (int)size;
}

static int put_timeout(void *to, size_t size, nsec_t timeout)
{
    struct timeval value = {0};

    if (size < sizeof(value))
        return -EINVAL;
    if (timeout != NSEC_NEVER) {
        value.tv_sec = timeout / NSEC_PER_SEC;
        value.tv_usec = timeout % NSEC_PER_SEC / 1000;
    }
    return put_value(to, size, &value, sizeof(value));
}

/* The value of an option that is one number. */
static int get_number(struct unix_socket *socket, int option, int *ret)
{
    if (is_flag(option)) {
        *ret = (int)(socket->options >> option & 1);
        return 0;
    }
    switch (option) {
    case SO_TYPE:
        *ret = socket->type;
        return 0;
    case SO_DOMAIN:
        *ret = AF_UNIX;
        return 0;
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
        *ret = 0;
        return 0;
    case SO_ERROR:
        *ret = -unix_take_error(socket);
        return 0;
    case SO_SNDBUF:
        *ret = (int)socket->send_size;
        return 0;
    case SO_RCVBUF:
        *ret = (int)socket->receive_size;
        return 0;
    case SO_RCVLOWAT:
        *ret = (int)socket->low_water;
        return 0;
    case SO_SNDLOWAT:
        *ret = 1;
        return 0;
    case SO_PRIORITY:
        *ret = (int)socket->priority;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_locked(struct unix_socket *socket, int option, void *to, size_t size)
{
    struct linger linger = {.l_onoff = (int)(socket->options >> SO_LINGER & 1),
                            .l_linger = (int)socket->linger_time};
    int number;

    switch (option) {
    case SO_LINGER:
        return put_value(to, size, &linger, sizeof(linger));
    case SO_PEERCRED:
        return put_value(to, size, &socket->owner, sizeof(socket->owner));
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
        return put_timeout(to, size, socket->receive_timeout);
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
        return put_timeout(to, size, socket->send_timeout);
    default:
        break;
    }
    int err = get_number(socket, option, &number);
    return err < 0 ? err : put_value(to, size, &number, sizeof(number));
}

int socket_get_option(struct file *file, int option, void *value, size_t size)
{
    struct unix_socket *socket = unix_of_file(file);

    unix_lock(socket);
    int result = get_locked(socket, option, value, size);
    unix_unlock(socket);
    return result;
}

/* --- set --- */

/* What SO_SNDBUF and SO_RCVBUF make of a number: the double, within bounds. */
static uint32_t buffer_size(int number, uint32_t min)
{
    uint32_t size = (uint32_t)number < UNIX_BUFFER ? (uint32_t)number : UNIX_BUFFER;

    return size * 2 > min ? size * 2 : min;
}

static void set_flag(struct unix_socket *socket, int option, bool is_on)
{
    uint64_t bit = UINT64_C(1) << option;

    socket->options = is_on ? socket->options | bit : socket->options & ~bit;
}

static int set_number(struct unix_socket *socket, const struct cred *cred, int option, int number)
{
    if (is_flag(option)) {
        if (option == SO_DEBUG && number != 0 && !cred_is_privileged(cred))
            return -EACCES;
        set_flag(socket, option, number != 0);
        return 0;
    }
    switch (option) {
    case SO_SNDBUF:
        socket->send_size = buffer_size(number, UNIX_SEND_MIN);
        return 0;
    case SO_RCVBUF:
        socket->receive_size = buffer_size(number, UNIX_RECEIVE_MIN);
        return 0;
    case SO_RCVLOWAT:
        socket->low_water = number < 0 ? INT32_MAX : number == 0 ? 1 : (uint32_t)number;
        return 0;
    case SO_PRIORITY:
        if ((number < 0 || number > 6) && !cred_is_privileged(cred))
            return -EPERM;
        socket->priority = (uint32_t)number;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_linger(struct unix_socket *socket, const void *value, size_t size)
{
    struct linger linger;

    if (size < sizeof(linger))
        return -EINVAL;
    memcpy(&linger, value, sizeof(linger));
    set_flag(socket, SO_LINGER, linger.l_onoff != 0);
    if (linger.l_onoff != 0)
        socket->linger_time = (uint32_t)linger.l_linger & INT32_MAX;
    return 0;
}

/* Zero is for ever; what is negative has passed already. */
static int set_timeout(nsec_t *to, const void *value, size_t size)
{
    struct timeval time;

    if (size < sizeof(time))
        return -EINVAL;
    memcpy(&time, value, sizeof(time));
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    if (time.tv_sec < 0)
        *to = 0;
    else if ((time.tv_sec == 0 && time.tv_usec == 0) || time.tv_sec >= INT32_MAX)
        *to = NSEC_NEVER;
    else
        *to = time.tv_sec * NSEC_PER_SEC + time.tv_usec * 1000;
    return 0;
}

static int set_locked(struct unix_socket *socket, const struct cred *cred, int option,
                      const void *value, size_t size)
{
    int number;

    memcpy(&number, value, sizeof(number));
    switch (option) {
    case SO_LINGER:
        return set_linger(socket, value, size);
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
        return set_timeout(&socket->receive_timeout, value, size);
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
        return set_timeout(&socket->send_timeout, value, size);
    default:
        return set_number(socket, cred, option, number);
    }
}

int socket_set_option(struct file *file, const struct cred *cred, int option, const void *value,
                      size_t size)
{
    struct unix_socket *socket = unix_of_file(file);

    if (size < sizeof(int))
        return -EINVAL;
    unix_lock(socket);
    int result = set_locked(socket, cred, option, value, size);
    if (result == 0)
        unix_kick(socket);
    unix_unlock(socket);
    return result;
}
