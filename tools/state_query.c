/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one sandbox, for list and state. */
#include "tools/state_query.h"

#include <errno.h>
#include <unistd.h>

#include "snapshot/json_message.h"
#include "tools/client.h"

enum { TIMEOUT_MS = 2000 };

static int ask(int state_dir, const char *name, struct report *report, struct control_packet *ret)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    StateRequest request = STATE_REQUEST__INIT;
    int socket;
    int err = client_connect(state_dir, name, report, &socket);

    if (err < 0)
        return err;
    message.body_case = CONTROL_MESSAGE__BODY_STATE;
    message.state = &request;
    (void)control_set_timeout(socket, TIMEOUT_MS);
    err = client_ask(socket, &message, NULL, 0, CONTROL_MESSAGE__BODY_STATE_REPLY, ret, report);
    (void)close(socket);
    return err;
}

static struct json_object *make_unknown(const char *name)
{
    struct json_object *json = json_object_new_object();

    if (json != NULL) {
        json_object_object_add(json, "name", json_object_new_string(name));
        json_object_object_add(json, "status", json_object_new_string("unknown"));
    }
    return json;
}

int state_query(int state_dir, const struct state_entry *entry, struct report *report,
                struct json_object **ret)
{
    struct control_packet packet;
    struct json_object *json;
    int err = ask(state_dir, entry->name, report, &packet);

    if (err == 0) {
        json = json_of_message(&packet.message->state_reply->base);
        control_packet_fini(&packet);
    } else {
        json = make_unknown(entry->name);
    }
    if (json == NULL)
        return -ENOMEM;
    json_object_object_add(json, "pid", json_object_new_int(entry->pid));
    *ret = json;
    return err;
}
