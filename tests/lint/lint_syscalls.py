#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/syscalls.md is what core/syscall/syscalls.def says, and every x86-64 call is listed there."""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEF = ROOT / "core/syscall/syscalls.def"
DOCS = ROOT / "docs/syscalls.md"
UNISTD = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def main():
    errors = []
    with tempfile.NamedTemporaryFile("r", suffix=".md") as made:
        subprocess.run([sys.executable, ROOT / "core/syscall/generate.py", DEF, "--docs", made.name],
                       check=True)
        if made.read() != DOCS.read_text():
            errors.append("docs/syscalls.md is not what generate.py --docs makes of syscalls.def")
    listed = set(re.findall(r"^SYSCALL\w*\((\d+), ", DEF.read_text(), re.M))
    for name, number in re.findall(r"#define __NR_(\w+) (\d+)", UNISTD.read_text()):
        if number not in listed:
            errors.append(f"syscalls.def: {name} ({number}) is missing")
    for error in errors:
        print(error)
    print(f"lint_syscalls: {len(listed)} calls, {len(errors)} errors")
    return 1 if errors else 0


sys.exit(main())
