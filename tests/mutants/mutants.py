# SPDX-License-Identifier: Apache-2.0
"""The mutants: each is one edit, and what must notice it.

(name, file, pattern (a regular expression, found once), replacement, step that must fail, what it
must say)
"""


def function(name):
    """A pattern for a whole function."""
    return rf"(?m)^[a-z][^\n;]*\b{name}\([^;{{]*\)\n\{{\n(?:.*\n)*?\}}\n"


def failed(name):
    """What cmocka says of a failed test whose name contains name."""
    return rf"(FAILED|ERROR) +\] test_\w*{name}"


NODE, SLEEPER = "tests/unit/toys/node.c", "tests/unit/toys/sleeper.c"
TOYS, DEF = "tests/unit/toys/toys.h", "tests/unit/toys/objects.def"
PROTO = "tests/unit/toys/snapshot/objects.proto"
UNDEFINED = r"{0}.* (used but never defined|has internal linkage but is not defined)"

# The end of a test program that did not pass: a test failed, it crashed (cmocka gives 255 when
# another thread's assertion failed) or hangs.
ANY = (r"(FAILED|ERROR) +\] test_\w+|Sanitizer|Assertion|exit -\d+|exit 255|timed out"
       r"|test_freeze: line \d+")

# Steps.
BUILD, LINT, OBJECTS, LOADER, IMAGE = "build", "lint", "objects", "loader", "kernel_image"
GATE, WAIT, EVENTS, FREEZE = "gate", "wait", "events", "freeze"
FIXTURES, KERNEL = "fixtures", "kernel"

# Of the registry, with the object types of its tests.
REGISTRY = [
    # a: a function is missing
    ("a1 no save", NODE, function("node_save"), "", BUILD, UNDEFINED.format("node_save")),
    ("a2 no load", SLEEPER, function("sleeper_load"), "", BUILD, UNDEFINED.format("sleeper_load")),
    ("a3 no relink", NODE, function("node_relink"), "", BUILD, UNDEFINED.format("node_relink")),
    ("a4 no derived", NODE, function("node_derived"), "", BUILD, UNDEFINED.format("node_derived")),
    ("a5 no save of a wait", SLEEPER, function("toy_wait_save"), "",
     BUILD, UNDEFINED.format("toy_wait_save")),
    ("a6 no relink of a wait", SLEEPER, function("toy_relink"), "",
     BUILD, UNDEFINED.format("toy_relink")),
    # b: lines and arms
    ("b1 arm without a line", DEF, r"OBJECT\(NODE, node\)\n", "",
     BUILD, r"OBJECT__BODY_NODE.* not handled"),
    ("b2 line without an arm", DEF, r"(OBJECT\(NODE)", r"OBJECT(SOCKET, socket)\n\1",
     BUILD, r"OBJECT__BODY_SOCKET.* undeclared|undeclared identifier"),
    ("b3 line twice", DEF, r"(OBJECT\(NODE, node\)\n)", r"\1\1", BUILD, r"duplicate case"),
    ("b4 message of another", NODE, r"node, Node, node", "node, Sleeper, node",
     BUILD, r"not the message of this arm"),
    ("b5 tag of another", NODE, r"TYPE\(NODE", "TYPE(SLEEPER", OBJECTS, failed("match_arms") + "|Assert"),
    ("b6 wait line is missing", "tests/unit/toys/waits.def", r"WAIT\(TOY, toy\)\n", "",
     BUILD, r"WAIT_RECORD__BODY_TOY.* not handled"),
    ("b7 object not first", TOYS, r"(struct sleeper \{\n)(    struct object object;\n)"
     r"(    struct waiter waiter;\n)", r"\1\3\2", BUILD, r"the object is not first"),
    # c: never defined
    ("c1 no type", NODE, r"(?s)\A.*\Z", "extern int nothing;\n",
     BUILD, r"undefined reference to `node_type'"),
    ("c2 no fixture", SLEEPER, function("fixture_sleeper"), "",
     BUILD, r"undefined reference to `fixture_sleeper'"),
    # d: a field that save or load does not know
    ("d1 new field", TOYS, r"(    int64_t deadline;[^\n]*\n)", r"\1    uint32_t owner;\n",
     LINT, r"owner is not in save\n.*owner is not in load"),
    ("d2 not loaded", NODE, r"    node->deadline = m->deadline == 0[^;]*;\n", "",
     LINT, r"deadline is not in load"),
    ("d3 not saved", NODE, r"m->deadline = node->deadline == 0[^;]*", "m->deadline = 1",
     LINT, r"deadline is not in save"),
    ("d4 field of a part", TOYS, r"(struct node_child \{\n)", r"\1    int extra;\n",
     LINT, r"struct node_child: extra is not in save\n.*extra is not in load"),
    ("d5 new derived field", TOYS, r"(    unsigned peer_count;)", r"    unsigned depth;\n\1",
     LINT, r"depth is not in derived, relink or load"),
    ("d6 no marker", TOYS, r"    /\* not saved, derived \*/\n", "", LINT, r"struct node: no .* marker"),
    ("d7 field of a wait", TOYS, r"(struct toy_wait \{\n[^}]*    uint32_t value;\n)",
     r"\1    int more;\n", LINT, r"struct toy_wait: more is not in save"),
    # e: a field that is saved, but as nothing
    ("e1 lint fooled", NODE, r"m->value = node->value;", "(void)node->value;",
     OBJECTS, r"Node.value is at its default"),
    ("e2 new field of a message", PROTO, r"(    uint32 value = 5;)", r"\1 uint32 owner = 6;",
     OBJECTS, r"Node.owner is at its default"),
    ("e3 in a part", NODE, r"m->children\[i\]->key = child->key;", "(void)child->key;",
     OBJECTS, r"Node.children.key is at its default"),
    ("e4 in a wait record", SLEEPER, r"m->value = wait->value;", "(void)wait->value;",
     OBJECTS, r"Sleeper.wait.toy.value is at its default"),
    ("e5 in what waits share", "snapshot/wait_message.c",
     r"message->is_killable = record->is_killable;", "(void)record->is_killable;",
     OBJECTS, r"Sleeper.wait.is_killable is at its default"),
    # f: what is loaded is not what was saved
    ("f1 lint fooled", NODE, r"node->value = m->value;", "node->value = m->value & 0;",
     OBJECTS, failed("round_trip")),
    ("f2 absolute time", NODE, r"save_time\(saver, node->deadline\)",
     "((void)saver, node->deadline)", OBJECTS, failed("(round_trip|same_bytes)")),
    ("f3 order of parts", NODE, r"(\&node->children\[)i(\];\n        m->children\[i\]->key)",
     r"\1m->n_children - 1 - i\2", OBJECTS, ANY),
    ("f4 ticket lost", "snapshot/wait_message.c", r"    entry->ticket = message->ticket;\n",
     "    entry->ticket = 1;\n", OBJECTS, failed("(ticket|round_trip)")),
    # g: derived state
    ("g1 no relink", NODE, r"    if \(node->peer != NULL\)\n        node->peer->peer_count\+\+;",
     "    (void)node;", OBJECTS, r"derived: is"),
    ("g2 no relink of a queue", SLEEPER, r"    if \(record->ops != NULL\)\n"
     r"        record->ops->relink\(&sleeper->waiter, record\);", "    (void)record;",
     OBJECTS, r"derived: is 0 after relink"),
    ("g3 derived not compared", "snapshot/loader.c", r"entry->derived != derived", "false",
     LOADER, failed("derived_is_compared")),
    # h: checks of the loader
    ("h1 id not checked", "snapshot/load_field.c", r"id == 0 \|\| id > loader->count", "id == 0",
     LOADER, ANY),
    ("h2 type not checked", "snapshot/load_field.c", r"type != NULL && entry->type != type", "false",
     LOADER, ANY),
    ("h3 family not checked", "snapshot/load_field.c", r"object.family != family", "object.size == 0 * (size_t)family",
     LOADER, ANY),
    ("h4 order of ids not checked", "snapshot/loader.c", r"message->id != loader->count", "false",
     LOADER, failed("ids")),
    ("h5 count not checked", "snapshot/loader.c", r"(entry->object->count\) == )1", r"\g<1>0",
     LOADER, failed("nothing_holds")),
    ("h6 failed load leaks", "snapshot/loader.c", r"object->type->fini\(object\);", "(void)object;",
     LOADER, failed("cycle")),
    ("h7 unknown is ignored", "snapshot/load_field.c", r"tag < ADVISORY_MIN", "tag < 1",
     LOADER, failed("unknown")),
    ("h8 a span overflows", "snapshot/load_field.c", r" \|\| time < 0", "", LOADER, failed("spans")),
    ("h9 state not checked", "snapshot/wait_message.c", r"message->state > WAIT_WOKEN",
     "message->state > 99", LOADER, failed("wait_records")),
    ("h10 memory not noticed", "snapshot/loader.c", r"message == NULL && loader->is_out_of_memory",
     "false", OBJECTS, failed("no_memory")),
    ("h11 save goes on", "snapshot/saver.c", r"        err = saver->err;", "        err = 0;",
     OBJECTS, failed("no_memory")),
    ("h12 frame of any size", "snapshot/kernel_image.c", r" \|\| content > FRAME_SIZE_MAX", "",
     IMAGE, failed("frame_too_large")),
    ("h13 object over the end", "snapshot/kernel_image.c", r" \|\| object_size > size - position",
     "", IMAGE, ANY),
    ("h14 weak counts", "snapshot/load_field.c", r"(struct snapshot_type \*type\)\n\{\n    return "
     r"id == 0 \? NULL : )load_weak(\(loader)", r"\1load_ref\2", OBJECTS, ANY),
    ("i1 put recurses", "core/base/object.c", r"if \(last_dead != NULL\)", "if (0)",
     OBJECTS, ANY),
]

# Of waiting and freezing.
WAITS = [
    ("w1 kick forgotten after looking", "core/base/wait.c",
     r"(        atomic_store\(&waiter->kicked, 0\);\n)((?:.*\n)*?)(        host_stall\(\);\n)",
     r"\2\3\1", FREEZE, ANY),
    ("w2 timeout by the host's clock", "core/base/wait.c",
     r"clock_now\(waiter->clock\) >= record->deadline",
     "host_clock_now() >= clock_to_host(waiter->clock, record->deadline) - 20 * NSEC_PER_MSEC",
     WAIT, ANY),
    ("w3 death is not looked at", "core/base/wait.c", r"if \(atomic_load\(&waiter->is_killed\)\)",
     "if (false)", WAIT, ANY),
    ("w4 a signal ends a killable wait", "core/base/wait.c", r" && !record->is_killable", "",
     WAIT, ANY),
    ("w5 queue in the order of loading", "core/base/wait_queue.c",
     r"before->ticket < entry->ticket", "true", WAIT, failed("orders_by_ticket")),
    ("w6 leaving forgets the token", "core/base/wait_queue.c",
     r"    if \(entry->state == WAIT_QUEUED\)\n        wait_remove\(queue, entry\);",
     "    wait_remove(queue, entry);", WAIT, failed("woken_beats")),
    ("w7 a kick gives a new ticket", "core/base/wait_queue.c",
     r"    if \(entry->state == WAIT_QUEUED\)\n        return;\n",
     "    if (entry->state == WAIT_QUEUED)\n        wait_remove(queue, entry);\n",
     WAIT, ANY),
    ("w8 asleep in the gate", "core/base/wait.c",
     r"    gate_leave\(&waiter->pass, GATE_ASLEEP\);\n", "", WAIT, ANY),
    ("w9 shutdown is any error", "core/base/wait.c", r"\? WAIT_SHUTDOWN : 0", "? -1 : 0",
     WAIT, ANY),
    ("x1 comes in while it is closed", "core/base/gate.c",
     r"== GATE_CLOSED && !pass->outranks\)", "== GATE_CLOSED && false)",
     GATE, ANY),
    ("x2 nobody is interrupted", "core/base/gate.c", r"    interrupt_inside\(gate\);\n",
     "    (void)interrupt_inside;\n", GATE, ANY),
    ("x3 closer is not woken", "core/base/gate.c", r"        host_futex_wake\(&gate->quiet, 1\);\n",
     "", FREEZE, ANY),
    ("x4 killed are not waited for", "core/base/gate.c", r" && gate->outranking == 0", "",
     GATE, ANY),
    ("x5 an abandoned close stays closed", "core/base/gate.c",
     r"    if \(err < 0\)\n        gate_open\(gate\);\n", "", GATE, ANY),
    ("x6 ranks are not compared", "core/base/lock.c",
     r"held_count == 0 \|\| held\[held_count - 1\]->rank < rank", "rank >= 0",
     "lock", failed("noticed")),
    ("x7 sleep with a lock", "core/base/gate.c",
     r"    assert\(locks_are_free\(\)\);\n(    assert\(place)", r"\1", "lock", failed("noticed")),
    ("y1 removal does not wait", "core/base/events.c", r"    wait_for_callback\(events, source\);\n",
     "", EVENTS, ANY),
    ("y2 event thread outside the gate", "core/base/events.c",
     r"gate_enter\(&events->pass\) == 0", "true", EVENTS, ANY),
    ("y3 slots without turns", "core/base/events.c", r"        slot->turn\+\+;\n", "",
     EVENTS, failed("no_new_source")),
    ("y4 an earlier timer wakes nobody", "core/base/events.c",
     r"    if \(is_first\)\n        wake_thread\(events\);\n", "    (void)is_first;\n",
     EVENTS, ANY),
    ("z1 a fault is not fixed up", "core/base/host_guard.c", r"info->si_code > 0\)", "false)",
     "host", ANY),
    ("z2 a short count is lost", "core/base/uio.c", r"    uio->done \+= moved;\n", "",
     "uio", ANY),
]

# Of the kernel's own types: they need the whole tree to be built.
TYPES = [
    ("k1 no save", "vfs/pipe.c", function("pipe_save"), "", KERNEL, UNDEFINED.format("pipe_save")),
    ("k2 line is missing", "core/objects.def", r"OBJECT\(PIPE, pipe\)\n", "",
     KERNEL, r"OBJECT__BODY_PIPE.* not handled"),
    ("k3 wait line is missing", "core/waits.def", r"WAIT\(RW, rw\)\n", "",
     KERNEL, r"WAIT_RECORD__BODY_RW.* not handled"),
    ("k4 no fixture", "tests/unit/fixtures/pipe.c", r"void fixture_pipe\(",
     "void fixture_other(struct world *world);\nvoid fixture_other(",
     KERNEL, r"undefined reference to `fixture_pipe'"),
    ("k5 new field", "vfs/file.h", r"(struct file \{\n    struct object object;\n)",
     r"\1    int owner;\n", LINT, r"struct file: owner is not in save\n.*owner is not in load"),
    ("k6 new field of a message", "snapshot/tasks.proto", r"(message Task \{\n)",
     r"\1    uint32 other = 99;\n", FIXTURES, r"Task.other is at its default"),
    ("k7 new field of a wait", "snapshot/waits.proto", r"(message NanosleepWait \{\n)",
     r"\1    uint32 other = 99;\n", FIXTURES, r"NanosleepWait.other is at its default"),
    ("k8 upwards include", "vfs/pipe.c", r'(#include "vfs/pipe_struct.h"\n)', r'\1#include "core/task.h"\n',
     LINT, r"vfs does not include core/task.h"),
    ("k9 call of the host", "vfs/pipe.c", r"\Z", "int x(void)\n{\n    return getpid() + (int)time(0);\n}\n",
     LINT, r"vfs/pipe.c: line \d+: time"),
]

QUICK = ["a3 no relink", "b1 arm without a line", "c2 no fixture", "d1 new field", "d2 not loaded",
         "e1 lint fooled", "f1 lint fooled", "g1 no relink", "h1 id not checked",
         "h6 failed load leaks"]
