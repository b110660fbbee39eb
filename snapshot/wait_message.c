/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wait records: calls in progress, saved by the task that makes them. What all kinds share stands
 * in message WaitRecord, the rest in the arm of the kind. Queues are not saved: each entry has its
 * ticket, and relink puts it back.
 */
#include <errno.h>
#include <inttypes.h>

#include "core/base/container.h"
#include "snapshot/loader.h"
#include "snapshot/message.h"
#include "snapshot/saver.h"

#define TICKET_MAX (UINT64_MAX / 2)

int save_wait(struct saver *saver, const struct waiter *waiter, WaitRecord **ret)
{
    const struct wait_record *record = (const struct wait_record *)waiter->record;

    if (record->ops == NULL) {
        *ret = NULL;
        return 0;
    }
    const struct wait_type *type = container_of(record->ops, const struct wait_type, ops);
    WaitRecord *message = save_message(saver, &wait_record__descriptor);
    void *body = save_message(saver, type->message);
    if (message == NULL || body == NULL)
        return -ENOMEM;
    assert(saver->options->types->wait_of(type->arm) == type);
    message->deadline = save_time(saver, record->deadline);
    message->saved_mask = record->saved_mask;
    message->is_masked = record->is_masked;
    message->is_killable = record->is_killable;
    message->is_noted = record->is_noted;
    message->body_case = type->arm;
    *message_body(&message->base, type->arm) = body;
    int err = type->save(record, saver, body);
    if (err < 0)
        return err;
    *ret = message;
    return 0;
}

int save_wait_entry(struct saver *saver, const struct wait_entry *entry, WaitEntry **ret)
{
    WaitEntry *message = save_message(saver, &wait_entry__descriptor);

    if (message == NULL)
        return -ENOMEM;
    message->ticket = entry->ticket;
    message->state = entry->state;
    *ret = message;
    return 0;
}

int load_wait(struct loader *loader, struct waiter *waiter, const WaitRecord *message)
{
    if (message == NULL)
        return 0;
    const struct wait_type *type = loader->types->wait_of(message->body_case);
    if (type == NULL) {
        load_bad(loader, "wait", "of no kind known here");
        return 0;
    }
    struct wait_record *record = wait_begin(waiter, &type->ops);
    record->deadline = load_time(loader, "wait.deadline", message->deadline);
    record->saved_mask = message->saved_mask;
    record->is_masked = message->is_masked;
    record->is_killable = message->is_killable;
    record->is_noted = message->is_noted;
    return type->load(record, loader, *message_body((ProtobufCMessage *)&message->base, type->arm));
}

void load_wait_entry(struct loader *loader, const char *field, struct wait_entry *entry,
                     const WaitEntry *message)
{
    if (message == NULL)
        return;
    if (message->state > WAIT_WOKEN)
        load_bad(loader, field, "state %" PRIu32, message->state);
    else if (message->state != WAIT_IDLE && message->ticket == 0)
        load_bad(loader, field, "no ticket");
    else if (message->ticket > TICKET_MAX)
        load_bad(loader, field, "ticket %" PRIu64, message->ticket);
    else
        entry->state = message->state;
    entry->ticket = message->ticket;
}
