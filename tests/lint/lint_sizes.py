#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the shape of the sources.

usage: lint_sizes.py

No file over 800 lines, no function over 80; the licence in the first line (the second after #!); a
paragraph that opens each .c file of ours; no file named by a word that says nothing; no word that
speaks of a plan, of another machine or of a place to download from.
"""
import re
import sys

import source

FILE_LINES, FUNCTION_LINES = 800, 80
SUFFIXES = {".c", ".h", ".S", ".def", ".proto", ".py", ".sh", ".cmake", ".txt"}
TEXT_SUFFIXES = SUFFIXES | {".md"}
FOLDERS = source.FOLDERS + ["cmake", "scripts", "docs"]
LICENCE = "SPDX-License-Identifier: Apache-2.0"
EMPTY_NAME = re.compile(r"(?:^|[_.-])(utils?|misc|common|helpers?|managers?|handlers?)(?:[_.-]|$)")
BANNED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b|(?<![\w.])/work/|/home/\w|/root/"
                    r"|\bpypi\.|\bdeb\.debian\.org\b")


def check_text(path, text):
    for match in BANNED.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"line {line}: {match[0]}"
    if EMPTY_NAME.search(path.name):
        yield "its name says nothing"


def check_shape(path, text):
    lines = text.splitlines()
    first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
    if not first or LICENCE not in first[0]:
        yield "the first line is not the licence"
    if len(lines) > FILE_LINES:
        yield f"{len(lines)} lines"
    if path.suffix == ".c" and not re.match(r"/\*[^\n]*?\*/\s*/\*|/\*[^\n]*\n \*", text):
        yield "no paragraph says what it is"


def check_functions(text):
    plain = source.strip(text)
    for match in source.FUNCTION.finditer(plain):
        count = match[0].count("\n") + 1
        if count > FUNCTION_LINES:
            yield f"{match[1]}: {count} lines"


def main():
    errors, count = [], 0
    for path in source.files(FOLDERS, TEXT_SUFFIXES):
        text = path.read_text()
        problems = [] if path.parent.name == "lint" else list(check_text(path, text))
        if path.suffix in SUFFIXES and text:
            problems += check_shape(path, text)
        if path.suffix in {".c", ".h"}:
            problems += check_functions(text)
        errors += [f"{source.name(path)}: {problem}" for problem in problems]
        count += 1
    for error in errors:
        print(error, file=sys.stderr)
    print(f"lint_sizes: {count} files, {len(errors)} errors")
    return 1 if errors or not count else 0


if __name__ == "__main__":
    sys.exit(main())
