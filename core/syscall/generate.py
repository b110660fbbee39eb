#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the system call table of syscalls.def.

generate.py DEF TABLE.c TABLE.h     prototypes, dispatch, names and argument formats
generate.py DEF --docs FILE         docs/syscalls.md
"""
import re
import sys

# kind: (C type, cast of a 64-bit register, printf conversion for a trace)
KINDS = {
    "int": ("int", "(int)(uint32_t)", "%d"),
    "uint": ("uint32_t", "(uint32_t)", "%u"),
    "fd": ("int", "(int)(uint32_t)", "%d"),
    "pid": ("int", "(int)(uint32_t)", "%d"),
    "mode": ("uint32_t", "(uint32_t)", "%#o"),
    "hex": ("uint32_t", "(uint32_t)", "%#x"),
    "size": ("uint64_t", "", "%llu"),
    "off": ("int64_t", "(int64_t)", "%lld"),
    "addr": ("guest_addr_t", "", "%#llx"),
    "path": ("guest_addr_t", "", "%#llx"),
}
REGISTERS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"]
LINE = re.compile(r"^(SYSCALL|SYSCALL_PARTIAL|SYSCALL_MISSING)\((\d+), (\w+)(?:, (.*))?\)$")


class Call:
    def __init__(self, form, nr, name, rest):
        self.form, self.nr, self.name = form, int(nr), name
        self.note, self.errno, self.kinds = "", "", []
        if form == "SYSCALL_MISSING":
            self.errno, self.note = re.match(r'(\w+), "(.*)"$', rest).groups()
            return
        if form == "SYSCALL_PARTIAL":
            self.note, rest = re.match(r'"([^"]*)"(?:, (.*))?$', rest).groups()
        self.kinds = rest.split(", ") if rest else []
        for kind in self.kinds:
            if kind not in KINDS:
                sys.exit(f"syscalls.def: {name}: unknown kind {kind}")


def read(path):
    calls = []
    for number, line in enumerate(open(path), 1):
        line = line.strip()
        if not line.startswith("SYSCALL"):
            continue
        match = LINE.match(line)
        if not match:
            sys.exit(f"{path}:{number}: cannot be read: {line}")
        calls.append(Call(*match.groups()))
    numbers = [call.nr for call in calls]
    if numbers != sorted(set(numbers)):
        sys.exit("syscalls.def: numbers are not in order, or double")
    return calls


def write_header(calls, path):
    out = ["/* Generated from syscalls.def. */", "#pragma once", "", "#include <stdint.h>", "",
           '#include "core/base/uio.h"', "", "struct task;", "",
           f"enum {{ SYSCALL_COUNT = {calls[-1].nr + 1} }};", "",
           "struct syscall_entry {",
           "    const char *name;",
           "    int error;          /* what a missing one answers, negative; 0: there is a call */",
           "    const char *format; /* of the arguments, one conversion each */",
           "    int64_t (*call)(struct task *task, const uint64_t arguments[6]);",
           "};", "",
           "extern const struct syscall_entry syscall_table[SYSCALL_COUNT];", ""]
    for call in calls:
        if call.form != "SYSCALL_MISSING":
            types = "".join(f", {KINDS[kind][0]}" for kind in call.kinds)
            out.append(f"int64_t sys_{call.name}(struct task *{types});")
    open(path, "w").write("\n".join(out) + "\n")


def write_source(calls, path):
    out = ["/* Generated from syscalls.def. */", '#include "core/syscall/syscall_table.h"', "",
           "#include <errno.h>", ""]
    for call in calls:
        if call.form == "SYSCALL_MISSING":
            continue
        args = "".join(f", {KINDS[kind][1]}a[{i}]" for i, kind in enumerate(call.kinds))
        out += [f"static int64_t call_{call.name}(struct task *task, const uint64_t a[6])", "{"]
        if not call.kinds:
            out.append("    (void)a;")
        out += [f"    return sys_{call.name}(task{args});", "}", ""]
    out.append("const struct syscall_entry syscall_table[SYSCALL_COUNT] = {")
    for call in calls:
        if call.form == "SYSCALL_MISSING":
            out.append(f'    [{call.nr}] = {{"{call.name}", -{call.errno}, "", 0}},')
        else:
            form = ", ".join(KINDS[kind][2] for kind in call.kinds)
            out.append(f'    [{call.nr}] = {{"{call.name}", 0, "{form}", call_{call.name}}},')
    out.append("};")
    open(path, "w").write("\n".join(out) + "\n")


def write_docs(calls, path):
    have = [call for call in calls if call.form != "SYSCALL_MISSING"]
    out = ["<!-- Generated from core/syscall/syscalls.def by core/syscall/generate.py. -->",
           "# System calls", "",
           f"{len(have)} of {len(calls)} x86-64 calls are there. 32-bit and x32 calls, and numbers "
           "not listed, answer ENOSYS.", "",
           "| nr | call | state | note |", "|---|---|---|---|"]
    for call in calls:
        state = {"SYSCALL": "yes", "SYSCALL_PARTIAL": "partial"}.get(call.form, call.errno)
        out.append(f"| {call.nr} | {call.name} | {state} | {call.note} |")
    open(path, "w").write("\n".join(out) + "\n")


def main():
    calls = read(sys.argv[1])
    if sys.argv[2] == "--docs":
        write_docs(calls, sys.argv[3])
    else:
        write_source(calls, sys.argv[2])
        write_header(calls, sys.argv[3])


main()
