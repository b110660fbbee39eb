/* SPDX-License-Identifier: Apache-2.0 */
/* What a task of an image waits for, in a few words, by its wait record. */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "snapshot/message.h"
#include "tools/inspect/views.h"

/* Text that is cut where there is no room. */
struct text {
    char *at;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text->at, text->size, format, arguments);
    va_end(arguments);
    size_t moved = length < 0 ? 0 : (size_t)length;
    if (moved >= text->size)
        moved = text->size - 1;
    text->at += moved;
    text->size -= moved;
}

const char *wait_kind(const Task *task)
{
    if (task == NULL || task->wait == NULL || task->wait->body_case == WAIT_RECORD__BODY__NOT_SET)
        return NULL;
    return protobuf_c_message_descriptor_get_field(&wait_record__descriptor, task->wait->body_case)
        ->name;
}

static void add_file(struct text *text, const struct image *image, uint64_t id)
{
    char name[PATH_MAX];

    image_file_name(image, id, name, sizeof(name));
    add(text, "%s", name);
}

static void add_polled(struct text *text, const struct image *image, const PollWait *poll)
{
    for (size_t i = 0; i < poll->n_items; i++) {
        add(text, "%s%" PRId32, i == 0 ? "" : ", ", poll->items[i]->fd);
        if (poll->items[i]->file == 0)
            continue;
        add(text, " ");
        add_file(text, image, poll->items[i]->file);
    }
}

static void add_child(struct text *text, const ChildWait *child)
{
    if (child->is_group)
        add(text, "child of group %" PRId32, child->pid);
    else if (child->pid > 0)
        add(text, "child %" PRId32, child->pid);
    else
        add(text, "any child");
}

static void add_futex(struct text *text, const FutexWait *futex)
{
    add(text, "0x%" PRIx64 ", while %" PRIu32, futex->address, futex->value);
}

static void add_pair(struct text *text, const struct image *image, uint64_t in, uint64_t out)
{
    add_file(text, image, in);
    add(text, " to ");
    add_file(text, image, out);
}

static void add_body(struct text *text, const struct image *image, const WaitRecord *wait)
{
    switch (wait->body_case) {
    case WAIT_RECORD__BODY_RW:
        add(text, wait->rw->is_write ? "write to " : "read of ");
        add_file(text, image, wait->rw->file);
        break;
    case WAIT_RECORD__BODY_CHILD:
        add_child(text, wait->child);
        break;
    case WAIT_RECORD__BODY_VFORK:
        add(text, "process %" PRId32, wait->vfork->pid);
        break;
    case WAIT_RECORD__BODY_COPY:
        add_pair(text, image, wait->copy->in, wait->copy->out);
        break;
    case WAIT_RECORD__BODY_SPLICE:
        add_pair(text, image, wait->splice->in, wait->splice->out);
        break;
    case WAIT_RECORD__BODY_FUTEX:
        add_futex(text, wait->futex);
        break;
    case WAIT_RECORD__BODY_POLL:
        add_polled(text, image, wait->poll);
        break;
    case WAIT_RECORD__BODY_EPOLL:
        add_file(text, image, wait->epoll->file);
        break;
    case WAIT_RECORD__BODY_LOCK:
        add(text, "lock of ");
        add_file(text, image, wait->lock->file);
        break;
    case WAIT_RECORD__BODY_MESSAGE:
        add(text, wait->message->is_send ? "send to " : "receive from ");
        add_file(text, image, wait->message->file);
        break;
    case WAIT_RECORD__BODY_OPEN_FIFO:
        add(text, "other end of ");
        add_file(text, image, wait->open_fifo->file);
        break;
    case WAIT_RECORD__BODY_SIGTIMEDWAIT:
        add(text, "signals 0x%" PRIx64, wait->sigtimedwait->set);
        break;
    default:
        break;
    }
}

void wait_print(const struct image *image, const Task *task, char *ret, size_t size)
{
    struct text text = {ret, size};

    ret[0] = '\0';
    if (wait_kind(task) == NULL)
        return;
    add_body(&text, image, task->wait);
    if (task->wait->deadline != INT64_MAX)
        add(&text, "%s%.3f s", ret[0] == '\0' ? "" : ", ", (double)task->wait->deadline / 1e9);
}
