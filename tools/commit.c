/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit of a checkpoint. Order: the image is in its place and on the disk, then the sandbox
 * hears of it; so there is no moment in which neither of the two exists. If the tool dies before,
 * the sandbox goes on.
 */
#include "tools/commit.h"

#include <errno.h>
#include <string.h>

enum { COMMIT_SERIAL = 2 };

static void send_abandon(int socket)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    AbandonRequest request = ABANDON_REQUEST__INIT;

    message.serial = COMMIT_SERIAL;
    message.body_case = CONTROL_MESSAGE__BODY_ABANDON;
    message.abandon = &request;
    (void)control_send(socket, &message, NULL, 0);
}

static int send_commit(int socket, const char *path)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    CommitRequest request = COMMIT_REQUEST__INIT;

    request.path = (char *)path;
    message.serial = COMMIT_SERIAL;
    message.body_case = CONTROL_MESSAGE__BODY_COMMIT;
    message.commit = &request;
    return control_send(socket, &message, NULL, 0);
}

/* Waits for the answer; those to earlier requests (signals) may come first. */
static int wait_for_done(int socket, struct report *report)
{
    struct control_packet packet;
    int err = control_receive(socket, &packet);

    while (err == 0 && packet.message->serial != COMMIT_SERIAL) {
        control_packet_fini(&packet);
        err = control_receive(socket, &packet);
    }
    if (err < 0) {
        report_bad(report, "%s", err == -EPROTO ? packet.reason : strerror(-err));
        return err;
    }
    if (packet.message->body_case == CONTROL_MESSAGE__BODY_FAILED) {
        report_bad(report, "%.200s", packet.message->failed->message);
        err = -EREMOTEIO;
    }
    control_packet_fini(&packet);
    return err;
}

int commit_image(int socket, struct image_dir *image, const char *path, const WrittenReply *written,
                 struct report *report)
{
    int err = -EPROTO;

    if (written->manifest == NULL)
        report_bad(report, "the sandbox sent no manifest");
    else
        err = image_dir_commit(image, written->manifest, report);
    if (err < 0) {
        send_abandon(socket);
        return err;
    }
    err = send_commit(socket, path);
    if (err == 0)
        return wait_for_done(socket, report);
    report_bad(report, "%s", strerror(-err));
    return err;
}
