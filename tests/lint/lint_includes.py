#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom, and who links whom.

usage: lint_includes.py

The first table says which headers of the tree each folder may include, the second which libraries
of others belong to which folders, the third which targets each target may link. A folder whose files
include another's headers has to link its library, itself or through one that it links.
"""
import re
import sys

import source

# Folder: what it may include besides its own. The longest folder that matches counts.
HEADERS = {
    "core/base": [],
    "platform": ["core/base/"],
    "snapshot": ["core/base/", "platform/memfile.h"],
    # What snapshot.h itself includes is part of it.
    "vfs": ["core/base/", "snapshot/snapshot.h", "snapshot/report.h", "platform/memfile.h"],
    "netstack": ["core/base/", "snapshot/snapshot.h"],
    "netstack/socket": ["core/base/", "snapshot/snapshot.h", "netstack/", "vfs/file.h",
                        "vfs/cred.h"],
    "core": ["core/base/", "platform/", "snapshot/", "vfs/", "netstack/"],
    "tools": ["core/control.h", "core/base/", "snapshot/"],
}

# Header of a library: the folders that may include it.
LIBRARIES = {
    r"seccomp\.h": ["platform", "core", "tools"],
    r"protobuf-c/.*": ["snapshot"],
    r"(zstd|zstd_errors|xxhash)\.h": ["snapshot"],
    r"json-c/.*": ["snapshot", "tools"],
    r"liburing\.h": ["core/base"],
    r"uthash\.h": ["core/base"],
}

# Target: its folder, and what it may link.
TARGETS = {
    "base": ("core/base", []),
    "platform": ("platform", ["base"]),
    "snapshot": ("snapshot", ["base", "messages", "platform"]),
    "vfs": ("vfs", ["base", "snapshot", "platform"]),
    "netstack": ("netstack", ["base", "snapshot", "vfs"]),
    "kernel": ("core", ["base", "platform", "snapshot", "vfs", "netstack"]),
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
LINK = re.compile(r"target_link_libraries\(\s*(\w+)([^)]*)\)", re.S)


def folder_of(name, folders):
    """The longest of the folders that name (of a file) is in, or None."""
    inside = [folder for folder in folders if name.startswith(folder + "/")]
    return max(inside, key=len) if inside else None


def check_include(name, folder, own, library):
    """What is wrong with one include of file name, or None."""
    if own:
        allowed = HEADERS[folder] + [folder + "/"]
        if not any(own == a or a.endswith("/") and own.startswith(a) for a in allowed):
            return f"{name}: {folder} does not include {own}"
        if folder == "netstack" and own.startswith("netstack/socket/"):
            return f"{name}: netstack does not include its sockets"
    for pattern, folders in LIBRARIES.items():
        if library and re.fullmatch(pattern, library) and folder not in folders:
            return f"{name}: {folder} does not include <{library}>"
    return None


def links():
    """Target: the targets of the tree that it links."""
    found = {target: set() for target in TARGETS}
    known = set(TARGETS) | {"messages"}
    for _, (folder, _) in TARGETS.items():
        path = source.ROOT / folder / "CMakeLists.txt"
        for target, rest in LINK.findall(path.read_text()) if path.exists() else []:
            if target in found:
                found[target] |= known & set(rest.split())
    return found


def reachable(target, linked):
    seen, todo = set(), [target]
    while todo:
        for other in linked.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def main():
    errors, wanted, count = [], {target: set() for target in TARGETS}, 0
    owners = {folder: target for target, (folder, _) in TARGETS.items()}
    for path in source.files([folder for folder in HEADERS if "/" not in folder], {".c", ".h"}):
        name = str(source.name(path))
        folder = folder_of(name, HEADERS)
        count += 1
        for own, library in INCLUDE.findall(path.read_text()):
            errors.append(check_include(name, folder, own, library))
            mine, theirs = folder_of(name, owners), folder_of(own, owners)
            if mine and theirs and mine != theirs:
                wanted[owners[mine]].add(owners[theirs])
    linked = links()
    for target, (_, allowed) in TARGETS.items():
        errors += [f"target {target}: does not link {other}"
                   for other in sorted(linked[target] - set(allowed))]
        errors += [f"target {target}: includes headers of {other} and does not link it"
                   for other in sorted(wanted[target] - reachable(target, linked))]
    errors = [error for error in errors if error]
    for error in errors:
        print(error, file=sys.stderr)
    print(f"lint_includes: {count} files, {len(errors)} errors")
    return 1 if errors or not count else 0


if __name__ == "__main__":
    sys.exit(main())
