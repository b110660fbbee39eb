/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tool that stays with the sandbox it has started: it hands the signals it gets to the guest's
 * init, and ends as the guest ends. The last word is an event on the start socket; a sandbox that
 * goes without one has crashed. The child's end is noticed by SIGCHLD too, because somebody else
 * may still have the other end of the socket.
 */
#include "tools/foreground.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/commit.h"
#include "tools/error.h"
#include "tools/state_dir.h"
#include "tools/stats.h"

enum { GOES_ON = -1, END_SECONDS = 10, SIGNAL_SERIAL = 1 };

static void fill_signals(sigset_t *ret)
{
    static const int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM,
                                    SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};

    (void)sigemptyset(ret);
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
        (void)sigaddset(ret, forwarded[i]);
}

int foreground_catch_signals(void)
{
    sigset_t signals;

    fill_signals(&signals);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* --- the end of the sandbox process --- */

/* Waits for it; one that does not come to its end is killed. Returns its wait status. */
static int reap(const struct foreground *foreground)
{
    struct timespec timeout = {.tv_sec = END_SECONDS};
    sigset_t child;
    int status = 0;

    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    while (waitpid(foreground->launch.pid, &status, WNOHANG) == 0) {
        if (sigtimedwait(&child, NULL, &timeout) < 0 && errno == EAGAIN) {
            (void)kill(foreground->launch.pid, SIGKILL);
            (void)waitpid(foreground->launch.pid, &status, 0);
            break;
        }
    }
    state_dir_remove_dead(foreground->state_dir, foreground->name);
    return status;
}

static int print_crash(const struct foreground *foreground, int status, const char *what)
{
    if (WIFSIGNALED(status))
        error_print("%s: the sandbox was killed by signal %d (%s)", foreground->name,
                    WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        error_print("%s: the sandbox %s, status %d", foreground->name, what, WEXITSTATUS(status));
    return EXIT_CODE_FAILURE;
}

static int report_crash(const struct foreground *foreground)
{
    return print_crash(foreground, reap(foreground), "ended without a word");
}

/* After its last word a sandbox ends with the status that goes with it, unless it finds a mistake
 * of its own then. Returns exit_code, or that of a failure. */
static int end(const struct foreground *foreground, int expected, int exit_code)
{
    int status = reap(foreground);

    if (WIFEXITED(status) && WEXITSTATUS(status) == expected)
        return exit_code;
    return print_crash(foreground, status, "failed at its end");
}

/* --- what the sandbox says: GOES_ON, or the exit code --- */

static int say_checkpointed(const struct foreground *foreground, const char *path)
{
    int exit_code = end(foreground, 0, 0);

    error_set_program("sbx");
    error_print("%s: checkpointed to %s", foreground->name, path);
    return exit_code;
}

static int on_started(struct foreground *foreground, const StartedEvent *event)
{
    foreground->has_started = true;
    for (size_t i = 0; i < event->n_notes; i++)
        error_print("%s: %s", foreground->name, event->notes[i]);
    if (foreground->has_stats && event->stats != NULL)
        stats_print_restore(event->stats, stderr);
    if (!foreground->is_detached)
        return GOES_ON;
    (void)printf("%s\n", foreground->name);
    return fflush(stdout) == 0 ? 0 : EXIT_CODE_FAILURE;
}

static int on_exited(const struct foreground *foreground, const ExitedEvent *event)
{
    if (event->signal != 0)
        return end(foreground, 0, EXIT_CODE_SIGNAL + (int)(event->signal & 127));
    return end(foreground, 0, (int)(event->code & 255));
}

/* A message of several lines is printed as several errors. */
static void print_lines(const struct foreground *foreground, const char *text)
{
    while (*text != '\0') {
        int size = (int)strcspn(text, "\n");
        error_print("%s: %.*s", foreground->name, size, text);
        text += size + (text[size] == '\n');
    }
}

/* A sandbox that could not start ends; one that runs could only not make its checkpoint. */
static int on_failed(const struct foreground *foreground, const FailedReply *event)
{
    print_lines(foreground, event->message);
    if (foreground->has_started)
        return GOES_ON;
    int exit_code =
        event->exit_code == 0 || event->exit_code > 255 ? EXIT_CODE_FAILURE : (int)event->exit_code;
    return end(foreground, exit_code, exit_code);
}

/* The answer to a signal that was handed on. */
static int on_answer(const struct foreground *foreground, const ControlMessage *message)
{
    if (message->body_case == CONTROL_MESSAGE__BODY_FAILED)
        print_lines(foreground, message->failed->message);
    return GOES_ON;
}

/* The checkpoint of --checkpoint-at. If it cannot be kept the guest goes on. */
static int on_written(struct foreground *foreground, const WrittenReply *event)
{
    struct report report = {0};
    int err = -EPROTO;

    if (foreground->checkpoint == NULL)
        report_bad(&report, "a checkpoint that nobody asked for");
    else
        err = commit_image(foreground->launch.socket, foreground->checkpoint,
                           foreground->image_path, event, &report);
    if (err < 0) {
        (void)error_print_report("checkpoint", &report);
        return GOES_ON;
    }
    if (foreground->has_stats)
        stats_print_checkpoint(event, stderr);
    return say_checkpointed(foreground, foreground->image_path);
}

static int on_message(struct foreground *foreground, const ControlMessage *message)
{
    if (message->serial != 0)
        return on_answer(foreground, message);
    switch (message->body_case) {
    case CONTROL_MESSAGE__BODY_STARTED:
        return on_started(foreground, message->started);
    case CONTROL_MESSAGE__BODY_EXITED:
        return on_exited(foreground, message->exited);
    case CONTROL_MESSAGE__BODY_FAILED:
        return on_failed(foreground, message->failed);
    case CONTROL_MESSAGE__BODY_WRITTEN:
        return on_written(foreground, message->written);
    case CONTROL_MESSAGE__BODY_CHECKPOINTED:
        return say_checkpointed(foreground, message->checkpointed->path);
    default:
        error_print("%s: the sandbox sent an unexpected message", foreground->name);
        return GOES_ON;
    }
}

static int on_socket(struct foreground *foreground)
{
    struct control_packet packet;
    int err = control_receive(foreground->launch.socket, &packet);

    if (err == -ECONNRESET)
        return report_crash(foreground);
    if (err < 0) {
        error_print("%s: %s", foreground->name, err == -EPROTO ? packet.reason : strerror(-err));
        (void)kill(foreground->launch.pid, SIGKILL);
        (void)reap(foreground);
        return EXIT_CODE_FAILURE;
    }
    int exit_code = on_message(foreground, packet.message);
    control_packet_fini(&packet);
    return exit_code;
}

/* --- signals --- */

static void hand_on(const struct foreground *foreground, uint32_t signal)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    KillRequest request = KILL_REQUEST__INIT;

    message.serial = SIGNAL_SERIAL;
    request.signal = signal;
    message.body_case = CONTROL_MESSAGE__BODY_KILL;
    message.kill = &request;
    (void)control_send(foreground->launch.socket, &message, NULL, 0);
}

static bool has_child_ended(const struct foreground *foreground)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)foreground->launch.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
}

/* True: the sandbox process has ended. */
static bool take_signals(const struct foreground *foreground)
{
    struct signalfd_siginfo info;
    bool has_ended = false;

    while (read(foreground->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            has_ended = has_child_ended(foreground);
        else
            hand_on(foreground, info.ssi_signo);
    }
    return has_ended;
}

int foreground_wait(struct foreground *foreground)
{
    struct pollfd sources[2] = {{.fd = foreground->launch.socket, .events = POLLIN},
                                {.fd = foreground->signals, .events = POLLIN}};
    bool has_ended = false;
    int exit_code = GOES_ON;

    while (exit_code == GOES_ON) {
        int ready = poll(sources, 2, has_ended ? 0 : -1);
        if (ready < 0 && errno != EINTR)
            return error_print("poll: %s", strerror(errno)), EXIT_CODE_FAILURE;
        if (ready > 0 && (sources[1].revents & POLLIN) != 0)
            has_ended = take_signals(foreground) || has_ended;
        if (ready > 0 && sources[0].revents != 0)
            exit_code = on_socket(foreground);
        else if (ready == 0 && has_ended)
            exit_code = report_crash(foreground);
    }
    return exit_code;
}
