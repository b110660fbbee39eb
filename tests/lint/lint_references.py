#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that sbx-inspect knows every reference between objects.

usage: lint_references.py

A field of the messages in snapshot/*.proto whose comment begins with the name of an object's type
has to be in the table of tools/inspect/references.c, with that type; and what the table names has to
be a field.
"""
import re
import sys

import source

TABLE = "tools/inspect/references.c"
FIELD = re.compile(r"^\s+(?:repeated )?uint64 (\w+) = \d+;[ \t]*(?://[ \t]*(\w+))?", re.M)
MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.M | re.S)
ARM = re.compile(r"^\s+(\w+) (\w+) = \d+;", re.M)
ROW = re.compile(r"\b(TO|NEEDS|TO_INODE)\((\w+), \"(\w+)\"(?:, (\w+))?\)")


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def main():
    messages = {}
    for path in sorted((source.ROOT / "snapshot").glob("*.proto")):
        messages.update(MESSAGE.findall(path.read_text()))
    body = messages["Object"]
    types = {kind: arm.upper() for kind, arm in ARM.findall(body[body.index("oneof"):])}
    table = {(message, field): kind
             for _, message, field, kind in ROW.findall((source.ROOT / TABLE).read_text())}
    fields = {(snake(message), field): kind for message, text in messages.items()
              for field, kind in FIELD.findall(text)}
    errors = [f"{message}.{field}: a reference to {kind} that is not in {TABLE}"
              for (message, field), kind in fields.items()
              if kind in types and table.get((message, field)) != types[kind]]
    errors += [f"{TABLE}: {message}.{field} is no uint64 field" for message, field in table
               if (message, field) not in fields]
    for error in errors:
        print(error, file=sys.stderr)
    print(f"lint_references: {len(table)} references, {len(errors)} errors")
    return 1 if errors or not table else 0


if __name__ == "__main__":
    sys.exit(main())
