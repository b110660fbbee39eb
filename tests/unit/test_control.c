/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol: what arrives is what was sent; what is no message of the protocol is
 * refused with a reason, and leaves neither descriptors nor memory behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "core/control.h"
#include "snapshot/manifest.h"
#include "tests/unit/host_descriptors.h"

static int ends[2];
static unsigned fds_at_start;

static int setup(void **state)
{
    (void)state;
    fds_at_start = host_descriptor_count();
    assert_int_equal(control_pair(ends), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        if (ends[i] >= 0)
            (void)close(ends[i]);
    assert_int_equal(host_descriptor_count(), fds_at_start);
    return 0;
}

static int same_file(int a, int b)
{
    struct stat first, second;

    assert_int_equal(fstat(a, &first), 0);
    assert_int_equal(fstat(b, &second), 0);
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* --- messages --- */

static void send_kill(int socket, unsigned signal, const int *fds, unsigned fd_count)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    KillRequest kill = KILL_REQUEST__INIT;

    kill.signal = signal;
    message.body_case = CONTROL_MESSAGE__BODY_KILL;
    message.kill = &kill;
    assert_int_equal(control_send(socket, &message, fds, fd_count), 0);
}

static void send_checkpoint(int socket, const int *fds, unsigned fd_count)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    CheckpointRequest checkpoint = CHECKPOINT_REQUEST__INIT;

    checkpoint.leave_running = true;
    message.body_case = CONTROL_MESSAGE__BODY_CHECKPOINT;
    message.checkpoint = &checkpoint;
    assert_int_equal(control_send(socket, &message, fds, fd_count), 0);
}

static void assert_refused(const char *reason)
{
    struct control_packet packet;

    assert_int_equal(control_receive(ends[1], &packet), -EPROTO);
    assert_string_equal(packet.reason, reason);
    assert_null(packet.message);
    assert_int_equal(packet.fd_count, 0);
}

static void test_messages_arrive(void **state)
{
    struct control_packet packet;
    (void)state;

    send_kill(ends[0], 15, NULL, 0);
    assert_int_equal(control_send_failed(ends[0], 7, 127, "no %s", "dash"), 0);
    assert_int_equal(control_receive(ends[1], &packet), 0);
    assert_int_equal(packet.message->version, CONTROL_VERSION);
    assert_int_equal(packet.message->body_case, CONTROL_MESSAGE__BODY_KILL);
    assert_int_equal(packet.message->kill->signal, 15);
    control_packet_fini(&packet);
    assert_int_equal(control_receive(ends[1], &packet), 0);
    assert_int_equal(packet.message->body_case, CONTROL_MESSAGE__BODY_FAILED);
    assert_int_equal(packet.message->serial, 7);
    assert_string_equal(packet.message->failed->message, "no dash");
    assert_int_equal(packet.message->failed->exit_code, 127);
    control_packet_fini(&packet);
}

static void test_descriptors_arrive(void **state)
{
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct control_packet packet;
    (void)state;

    send_checkpoint(ends[0], &directory, 1);
    assert_int_equal(control_receive(ends[1], &packet), 0);
    assert_true(packet.message->checkpoint->leave_running);
    int received = control_take_fd(&packet, 0);
    control_packet_fini(&packet);
    assert_true(same_file(directory, received));
    assert_true((fcntl(received, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(received);
    (void)close(directory);
}

static void test_wrong_number_of_descriptors(void **state)
{
    int fds[2] = {0, 1};
    (void)state;

    send_checkpoint(ends[0], NULL, 0);
    assert_refused("0 descriptors, expected 1");
    send_checkpoint(ends[0], fds, 2);
    assert_refused("2 descriptors, expected 1");
    send_kill(ends[0], 9, fds, 1);
    assert_refused("1 descriptors, expected 0");
}

static void test_too_many_descriptors(void **state)
{
    int fds[CONTROL_FDS_MAX + 1] = {0};
    (void)state;

    send_kill(ends[0], 9, fds, CONTROL_FDS_MAX + 1);
    assert_refused("a packet that is too large");
}

static void test_hang_up(void **state)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    StateRequest request = STATE_REQUEST__INIT;
    struct control_packet packet;
    (void)state;

    (void)close(ends[0]);
    ends[0] = -1;
    assert_int_equal(control_receive(ends[1], &packet), -ECONNRESET);
    message.body_case = CONTROL_MESSAGE__BODY_STATE;
    message.state = &request;
    assert_int_equal(control_send(ends[1], &message, NULL, 0), -EPIPE);
}

static void test_timeout(void **state)
{
    struct control_packet packet;
    (void)state;

    assert_int_equal(control_set_timeout(ends[1], 1), 0);
    assert_int_equal(control_receive(ends[1], &packet), -EAGAIN);
}

/* --- hostile packets --- */

static void send_bytes(const void *bytes, size_t size)
{
    assert_int_equal(send(ends[0], bytes, size, 0), (ssize_t)size);
}

static void test_refused_packets(void **state)
{
    (void)state;

    send_bytes("\x08\x02\x5a\x00", 4);
    assert_refused("version 2 of the control protocol, expected 1");
    send_bytes("\x5a\x00", 2);
    assert_refused("version 0 of the control protocol, expected 1");
    send_bytes("\x08\x01", 2);
    assert_refused("an empty message");
    /* request 60, which nobody knows */
    send_bytes("\x08\x01\xe2\x03\x00", 5);
    assert_refused("message: unknown field 60");
    /* kill with a field 9 */
    send_bytes("\x08\x01\x62\x02\x48\x01", 6);
    assert_refused("message.kill: unknown field 9");
    send_bytes("\xff\xff\xff\xff", 4);
    assert_refused("a packet that is no control message");
    /* a large message without a descriptor */
    send_bytes("\x08\x01\x10\x05", 4);
    assert_refused("a large message without its memory");
}

static size_t pack_sample(uint8_t packed[4096])
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    StateReply reply = STATE_REPLY__INIT;
    char *argv[] = {"dash", "-c", "echo hello"};

    message.version = CONTROL_VERSION;
    message.body_case = CONTROL_MESSAGE__BODY_STATE_REPLY;
    message.state_reply = &reply;
    reply.name = "demo";
    reply.status = "running";
    reply.memory_size = UINT64_MAX;
    reply.monotonic_ns = -1;
    reply.n_argv = 3;
    reply.argv = argv;
    assert_true(control_message__get_packed_size(&message) <= 4096);
    return control_message__pack(&message, packed);
}

/* Whatever comes: a message or a refusal, and nothing is left of it (the sanitizers look). */
static void receive_any(unsigned *good, unsigned *refused)
{
    struct control_packet packet;
    int err = control_receive(ends[1], &packet);

    if (err == 0) {
        (*good)++;
        control_packet_fini(&packet);
    } else {
        assert_int_equal(err, -EPROTO);
        assert_true(packet.reason[0] != '\0');
        (*refused)++;
    }
}

static void test_truncated_and_flipped(void **state)
{
    uint8_t packed[4096];
    size_t size = pack_sample(packed);
    unsigned good = 0, refused = 0;
    (void)state;

    for (size_t i = 1; i < size; i++) {
        send_bytes(packed, i);
        receive_any(&good, &refused);
    }
    assert_int_equal(good, 0);
    assert_int_equal(refused, size - 1);
    for (size_t i = 0; i < 8 * size; i++) {
        packed[i / 8] ^= (uint8_t)(1 << i % 8);
        send_bytes(packed, size);
        receive_any(&good, &refused);
        packed[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(good > 0);
    assert_true(refused > size);
}

/* An envelope whose descriptor is not what it should be. */
static void send_envelope(uint64_t large_size, int fd)
{
    ControlMessage envelope = CONTROL_MESSAGE__INIT;

    envelope.large_size = large_size;
    assert_int_equal(control_send(ends[0], &envelope, &fd, 1), 0);
}

static int make_memory(const void *content, size_t size, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, size), (ssize_t)size);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void refuse_envelope(uint64_t large_size, int fd, const char *reason)
{
    send_envelope(large_size, fd);
    (void)close(fd);
    assert_refused(reason);
}

static void test_refused_envelopes(void **state)
{
    static const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
    static const char kill[] = "\x08\x01\x62\x02\x08\x09", nested[] = "\x08\x01\x10\x04";
    int pipes[2];
    struct control_packet packet;
    (void)state;

    refuse_envelope(6, make_memory(kill, 6, F_SEAL_WRITE), "a large message without its memory");
    refuse_envelope(7, make_memory(kill, 6, seals), "a large message that is cut off");
    refuse_envelope(5, make_memory(kill, 6, seals), "a packet that is no control message");
    refuse_envelope(4, make_memory(nested, 4, seals), "a large message within another");
    refuse_envelope(CONTROL_MESSAGE_MAX + 1, make_memory(kill, 6, seals),
                    "a large message without its memory");
    assert_int_equal(pipe(pipes), 0);
    (void)close(pipes[1]);
    refuse_envelope(6, pipes[0], "a large message without its memory");
    /* and one that is right */
    int fd = make_memory(kill, 6, seals);
    send_envelope(6, fd);
    (void)close(fd);
    assert_int_equal(control_receive(ends[1], &packet), 0);
    assert_int_equal(packet.message->kill->signal, 9);
    control_packet_fini(&packet);
}

/* --- the start message --- */

static char *argv[] = {"/bin/sh", "-c", "true"};
static char *environment[] = {"PATH=/bin", "EMPTY="};
static HostRoot root_messages[2];
static HostRoot *roots[2] = {&root_messages[0], &root_messages[1]};
static ImageOptions options;
static StartSpec spec;

static void make_start(struct control_start *start)
{
    control_start_init(start);
    host_root__init(&root_messages[0]);
    host_root__init(&root_messages[1]);
    image_options__init(&options);
    start_spec__init(&spec);
    root_messages[0].name = root_messages[0].path = "/";
    root_messages[1].name = "/mnt";
    root_messages[1].path = "/tmp";
    options.platform = "auto";
    options.memory_limit = UINT64_C(1) << 40;
    spec.name = "demo";
    spec.cwd = "/tmp";
    spec.n_argv = 3;
    spec.argv = argv;
    spec.n_environment = 2;
    spec.environment = environment;
    spec.n_roots = 2;
    spec.roots = roots;
    spec.options = &options;
    start->spec = &spec;
    start->listener = ends[0];
    start->lock = ends[1];
    start->stdio[0] = 0;
    start->stdio[1] = 1;
    start->stdio[2] = 2;
    start->root_fds[0] = open("/", O_PATH | O_CLOEXEC);
    start->root_fds[1] = open("/tmp", O_PATH | O_CLOEXEC);
}

static void close_roots(struct control_start *start)
{
    (void)close(start->root_fds[0]);
    (void)close(start->root_fds[1]);
}

static void assert_same_spec(const StartSpec *a, const StartSpec *b)
{
    size_t size = start_spec__get_packed_size(a);
    uint8_t *first = malloc(size), *second = malloc(size);

    assert_int_equal(start_spec__get_packed_size(b), size);
    (void)start_spec__pack(a, first);
    (void)start_spec__pack(b, second);
    assert_memory_equal(first, second, size);
    free(first);
    free(second);
}

static void send_and_compare(void)
{
    char reason[CONTROL_REASON_SIZE] = "";
    struct control_start sent, received;

    make_start(&sent);
    assert_int_equal(control_start_send(ends[0], &sent), 0);
    assert_int_equal(control_start_receive(ends[1], &received, reason), 0);
    assert_same_spec(&spec, received.spec);
    assert_true(same_file(received.listener, ends[0]));
    assert_true(same_file(received.lock, ends[1]));
    for (int i = 0; i < 3; i++)
        assert_true(same_file(received.stdio[i], i));
    assert_int_equal(received.checkpoint_dir, -1);
    assert_int_equal(received.image_dir, -1);
    assert_true(same_file(received.root_fds[0], sent.root_fds[0]));
    assert_true(same_file(received.root_fds[1], sent.root_fds[1]));
    control_start_fini(&received);
    control_start_fini(&received);
    close_roots(&sent);
}

static void test_start_arrives(void **state)
{
    (void)state;
    send_and_compare();
}

static void test_large_start_arrives(void **state)
{
    static char large[300000];
    (void)state;

    memset(large, 'x', sizeof(large) - 1);
    memcpy(large, "A=", 2);
    environment[1] = large;
    send_and_compare();
    environment[1] = "EMPTY=";
}

static void test_start_too_large(void **state)
{
    struct control_start start;
    char *large = malloc(CONTROL_MESSAGE_MAX + 1);
    (void)state;

    memset(large, 'x', CONTROL_MESSAGE_MAX);
    large[CONTROL_MESSAGE_MAX] = '\0';
    make_start(&start);
    argv[2] = large;
    assert_int_equal(control_start_send(ends[0], &start), -E2BIG);
    argv[2] = "true";
    close_roots(&start);
    free(large);
}

static void test_start_with_directories(void **state)
{
    CheckpointAt at = CHECKPOINT_AT__INIT;
    char reason[CONTROL_REASON_SIZE] = "";
    struct control_start sent, received;
    Manifest *manifest;
    (void)state;

    assert_int_equal(manifest_create(&manifest), 0);
    make_start(&sent);
    assert_int_equal(manifest_set_text(&manifest->name, "demo"), 0);
    assert_int_equal(manifest_set_text(&manifest->options->platform, "auto"), 0);
    assert_int_equal(manifest_set_generation(manifest, (const uint8_t *)"0123456789abcdef"), 0);
    assert_int_equal(manifest_add_root(manifest, "/", "/", false), 0);
    manifest->counts->roots = manifest->counts->objects = 1;
    spec.checkpoint_at = &at;
    spec.restore = manifest;
    spec.n_argv = 0;
    spec.cwd = "";
    sent.checkpoint_dir = sent.root_fds[1];
    sent.image_dir = sent.root_fds[0];
    assert_int_equal(control_start_send(ends[0], &sent), 0);
    assert_int_equal(control_start_receive(ends[1], &received, reason), 0);
    assert_true(same_file(received.checkpoint_dir, sent.checkpoint_dir));
    assert_true(same_file(received.image_dir, sent.image_dir));
    assert_same_spec(&spec, received.spec);
    control_start_fini(&received);
    manifest->format = 9;
    assert_int_equal(control_start_send(ends[0], &sent), 0);
    assert_int_equal(control_start_receive(ends[1], &received, reason), -EPROTO);
    assert_string_equal(reason, "manifest.json: format 9 is newer than 1");
    close_roots(&sent);
    manifest_free(manifest);
}

static void refuse_start(struct control_start *start, const char *expected)
{
    char reason[CONTROL_REASON_SIZE] = "";
    struct control_start received;

    assert_int_equal(control_start_send(ends[0], start), 0);
    assert_int_equal(control_start_receive(ends[1], &received, reason), -EPROTO);
    assert_string_equal(reason, expected);
    close_roots(start);
    make_start(start);
}

static void test_refused_starts(void **state)
{
    char reason[CONTROL_REASON_SIZE] = "";
    struct control_start start, received;
    (void)state;

    make_start(&start);
    spec.name = "a/b";
    refuse_start(&start, "start: the name");
    spec.n_roots = 0;
    refuse_start(&start, "start: the number of roots");
    root_messages[0].name = "/mnt";
    refuse_start(&start, "start: the first root is not /");
    root_messages[1].name = "mnt";
    refuse_start(&start, "start: a root whose name is not absolute");
    spec.n_argv = 0;
    refuse_start(&start, "start: no program");
    spec.cwd = "tmp";
    refuse_start(&start, "start: a working directory that is not absolute");
    environment[0] = "PATH";
    refuse_start(&start, "start: an environment entry without =");
    environment[0] = "PATH=/bin";
    spec.options = NULL;
    refuse_start(&start, "start: no options");
    spec.log_level = 4;
    refuse_start(&start, "start: the log level");
    close_roots(&start);
    send_kill(ends[0], 9, NULL, 0);
    assert_int_equal(control_start_receive(ends[1], &received, reason), -EPROTO);
    assert_string_equal(reason, "start: not a start message");
}

static void test_start_without_a_descriptor(void **state)
{
    ControlMessage message = CONTROL_MESSAGE__INIT;
    char reason[CONTROL_REASON_SIZE] = "";
    struct control_start start, received;
    int fds[6] = {0, 0, 0, 0, 0, 0};
    (void)state;

    make_start(&start);
    message.body_case = CONTROL_MESSAGE__BODY_START;
    message.start = &spec;
    assert_int_equal(control_send(ends[0], &message, fds, 6), 0);
    assert_int_equal(control_start_receive(ends[1], &received, reason), -EPROTO);
    assert_string_equal(reason, "start: the number of descriptors");
    close_roots(&start);
}

static void test_no_memory(void **state)
{
    char reason[CONTROL_REASON_SIZE] = "";
    struct control_start sent, received;
    unsigned failures = 0;
    int err = -ENOMEM;
    (void)state;

    make_start(&sent);
    for (unsigned long n = 1; err == -ENOMEM; n++) {
        assert_int_equal(control_start_send(ends[0], &sent), 0);
        host_alloc_fail_at(n);
        err = control_start_receive(ends[1], &received, reason);
        host_alloc_fail_at(0);
        failures += err == -ENOMEM;
    }
    assert_int_equal(err, 0);
    assert_true(failures > 5);
    control_start_fini(&received);
    close_roots(&sent);
}

/* --- names --- */

static void test_names(void **state)
{
    char longest[CONTROL_NAME_MAX + 2];
    (void)state;

    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(control_check_name(longest), -EINVAL);
    assert_int_equal(control_check_name(longest + 1), 0);
    assert_int_equal(control_check_name("Demo_1.2-x"), 0);
    assert_int_equal(control_check_name(""), -EINVAL);
    assert_int_equal(control_check_name(".."), -EINVAL);
    assert_int_equal(control_check_name("-x"), -EINVAL);
    assert_int_equal(control_check_name("a/b"), -EINVAL);
    assert_int_equal(control_check_name("a b"), -EINVAL);
}

static void test_listen_and_connect(void **state)
{
    char path[] = "/tmp/test_control.XXXXXX";
    int listener, client, server;
    struct control_packet packet;
    (void)state;

    assert_non_null(mkdtemp(path));
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(control_connect(dir, "demo.sock", &client), -ENOENT);
    assert_int_equal(control_listen(dir, "demo.sock", &listener), 0);
    assert_int_equal(control_listen(dir, "demo.sock", &server), -EADDRINUSE);
    assert_int_equal(control_connect(dir, "demo.sock", &client), 0);
    assert_int_equal(control_accept(listener, &server), 0);
    send_kill(client, 2, NULL, 0);
    assert_int_equal(control_receive(server, &packet), 0);
    control_packet_fini(&packet);
    (void)close(client);
    (void)close(server);
    (void)close(listener);
    assert_int_equal(control_connect(dir, "demo.sock", &client), -ECONNREFUSED);
    assert_int_equal(unlinkat(dir, "demo.sock", 0), 0);
    (void)close(dir);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages_arrive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptors_arrive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_number_of_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hang_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_packets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated_and_flipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_envelopes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_start_arrives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_start_arrives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_start_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_start_with_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_start_without_a_descriptor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listen_and_connect, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
