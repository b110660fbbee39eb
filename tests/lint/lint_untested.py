#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every call that syscalls.def says is there has a guest test that names it, or stands in
tests/guest/untested.txt, a list that may only shrink."""
import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LIST = "tests/guest/untested.txt"


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def names_of(text):
    return {line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"}


def offered_calls():
    text = read("core/syscall/syscalls.def")
    return set(re.findall(r"^SYSCALL(?:_PARTIAL)?\(\d+, (\w+)", text, re.MULTILINE))


def tested_calls(calls):
    """Those that a test's first comment lists behind "Calls:", or that it makes by number."""
    tested = set()
    directory = os.path.join(ROOT, "tests/guest")
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".c"):
            continue
        text = read(os.path.join("tests/guest", name))
        listed = re.search(r"Calls: ([a-z0-9_ \n*]+)\*/", text)
        words = set(re.findall(r"\w+", listed.group(1))) if listed else set()
        for word in sorted(words - calls):
            print(f"tests/guest/{name}: {word} is no call that is there")
            tested.add(None)
        tested |= words & calls
        tested |= set(re.findall(r"\bSYS_(\w+)", text)) & calls
    return tested


def committed_list():
    """The list of the last commit, None where there is no git."""
    answer = subprocess.run(["git", "show", f"HEAD:{LIST}"], cwd=ROOT, capture_output=True,
                            text=True)
    return names_of(answer.stdout) if answer.returncode == 0 else None


def main():
    calls, listed = offered_calls(), names_of(read(LIST))
    tested = tested_calls(calls)
    wrong = None in tested
    for name in sorted(calls - tested - listed):
        print(f"core/syscall/syscalls.def: {name} has no guest test")
        wrong = True
    for name in sorted(listed & tested):
        print(f"{LIST}: {name} has a guest test, take it out")
        wrong = True
    for name in sorted(listed - calls):
        print(f"{LIST}: {name} is no call that is there")
        wrong = True
    before = committed_list()
    if before is not None and listed - before:
        print(f"{LIST}: may only shrink, but has new ones: {' '.join(sorted(listed - before))}")
        wrong = True
    print(f"{len(calls)} calls, {len(listed)} of them without a guest test")
    sys.exit(1 if wrong else 0)


main()
