/* SPDX-License-Identifier: Apache-2.0 */
/* --stats: the figures of a checkpoint or a restore, by the names of their messages. */
#include "tools/stats.h"

#include "snapshot/json_message.h"

static void print_line(struct json_object *json, FILE *to)
{
    if (json != NULL)
        (void)fprintf(to, "%s\n", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
    json_object_put(json);
}

void stats_print_checkpoint(const WrittenReply *written, FILE *to)
{
    struct json_object *json =
        written->stats == NULL ? json_object_new_object() : json_of_message(&written->stats->base);

    if (json != NULL && written->call_name[0] != '\0') {
        json_object_object_add(json, "call", json_object_new_string(written->call_name));
        json_object_object_add(json, "call_nr", json_object_new_uint64(written->call_nr));
        json_object_object_add(json, "is_blocked", json_object_new_boolean(written->is_blocked));
    }
    print_line(json, to);
}

void stats_print_restore(const RestoreStats *stats, FILE *to)
{
    print_line(json_of_message(&stats->base), to);
}
