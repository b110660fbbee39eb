#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no field of a saved struct is forgotten.

usage: lint_saved_fields.py [FOLDER...]

A struct is checked if it embeds struct object, has a marker (a comment alone on its line, see
below), or is named by DEFINE_OBJECT_TYPE (which needs a marker) or DEFINE_WAIT_TYPE.
  above the markers               each field is used by a save and by a load function
  below /* not saved, derived */  each field is used by a derived, a relink or a load function
  below /* not saved */           nothing is asked: links, what others fill in
A field with "/* not saved" at the start of the comment behind it is not asked for, nor are mutexes,
the links that generated code uses (RB_ENTRY, UT_hash_handle) and members named object and base.
"Used" means VARIABLE->FIELD or VARIABLE.FIELD, where the function declares "struct NAME *VARIABLE"
(or without *); links are used by the macros of queues. So a message's field of the same name does
not count. A function counts for a verb that is a part of its name (node_save, node_save_children,
save_wait_entry), and so do the functions that such a one calls, and those that these call.

What it parses: C without the preprocessor: structs that start in column 0 and end with "};",
functions whose body is between "{" and "}" in column 0. A nested struct or union is an error, but
for the anonymous union of an object and what else may stand first.

What fools it: a field read and thrown away; a part saved by two owners, one of which forgets a
field; access through another pointer type, a macro or a copied struct.
"""
import re
import sys

import source

DEFINE = re.compile(r"^DEFINE_OBJECT_TYPE\(\w+, (\w+),", re.M)
DEFINE_WAIT = re.compile(r"^DEFINE_WAIT_TYPE\(\w+, (\w+),", re.M)
KEPT = re.compile(r"/\* not saved\b.*?\*/", re.S)
MARKER = re.compile(r"^[ \t]*/\* (not saved(?:, derived)?)\b[^\n]*?\*/[ \t]*$", re.M)
EXEMPT = re.compile(r"^[^\n]*;[ \t]*/\* not saved\b.*?\*/", re.M | re.S)
UNION = re.compile(r"union \{([^{}]*)\};")
LINK = re.compile(r"\b(?:S?TAILQ|S?LIST)_\w+\([^;{}]*?,\s*(\w+)\)")
CALL = re.compile(r"\b(\w+)\(")
CALL_DEPTH = 2
VERBS = ("save", "load", "derived", "relink")
ZONES = ("saved", "not saved, derived", "not saved")


def declared(declaration):
    """The names that a declaration declares."""
    plain = re.sub(r"\([^()]*\)\s*$", "", declaration)  # parameters of a function pointer
    plain = re.sub(r"\balignas\([^()]*\)", "", plain)
    for declarator in re.sub(r"\([^()*]*\)", "", plain).split(","):
        found = re.search(r"(\w+)\s*\)?\s*(?:\[[^]]*\]\s*)*(?::\s*\w+\s*)?$", declarator)
        if found is None:
            raise ValueError(f"declaration not understood: {' '.join(declaration.split())}")
        yield found[1]


def fields(body):
    """The fields of a struct body as {zone: [name]}."""
    zones = {zone: [] for zone in ZONES}
    body = UNION.sub(r"\1", EXEMPT.sub("", body))
    parts = MARKER.split(body)
    for zone, text in zip(["saved"] + parts[1::2], parts[0::2]):
        if "{" in text:
            raise ValueError("a nested struct or union")
        for declaration in source.strip(text).split(";"):
            if declaration.strip() and not re.match(r"\s*(struct mutex|RB_ENTRY|UT_hash)", declaration):
                zones[zone] += declared(declaration)
    return zones


def uses(function, struct):
    """The fields of struct that a function (name, parameters, body) uses."""
    _, parameters, body = function
    variables = set(re.findall(rf"\bstruct {struct}\b\s*\*?\s*(?:const\s+)?(\w+)",
                               parameters + ";" + body))
    found = set(LINK.findall(body)) if variables else set()
    for variable in variables:
        found |= set(re.findall(rf"(?<![\w.>]){variable}(?:\[[^]]*\])?(?:->|\.)(\w+)", body))
    return found


def counted(functions, verb):
    """Those of the functions (name, parameters, body) that count for a verb."""
    named = re.compile(rf"(?:.*_)?{verb}(?:_.*)?")
    found = {function for function in functions if named.fullmatch(function[0])}
    for _ in range(CALL_DEPTH):
        called = {name for function in found for name in CALL.findall(function[2])}
        found |= {function for function in functions if function[0] in called}
    return found


class Tree:
    """Structs, types and functions of some folders."""

    def __init__(self, folders):
        paths = source.files(folders, {".c", ".h"})
        self.texts = {path: source.strip(path.read_text(), KEPT) for path in paths}
        joined = self.texts.values()
        self.types = {name for text in joined for name in DEFINE.findall(text)}
        self.waits = {name + "_wait" for text in joined for name in DEFINE_WAIT.findall(text)}
        functions = [match for text in joined for match in source.FUNCTION.findall(text)]
        self.counted = {verb: counted(functions, verb) for verb in VERBS}

    def structs(self):
        """(path, name, body) of each."""
        for path, text in self.texts.items():
            for name, body in source.STRUCT.findall(text):
                yield path, name, body

    def is_checked(self, name, body):
        return (name in self.types | self.waits or MARKER.search(body) is not None or
                re.search(r"^\s*struct object object;", body, re.M) is not None)

    def used(self, struct, verb):
        return set().union(*(uses(function, struct) for function in self.counted[verb]))

    def check(self, struct, body):
        """What is wrong with a struct."""
        if struct in self.types and not MARKER.search(body):
            yield "no /* not saved */ marker"
        try:
            zones = fields(body)
        except ValueError as problem:
            yield str(problem)
            return
        used = {verb: self.used(struct, verb) for verb in VERBS}
        for verb in ("save", "load"):
            for field in zones["saved"]:
                if field not in used[verb] | {"object", "base"}:
                    yield f"{field} is not in {verb}"
        for field in zones["not saved, derived"]:
            if field not in used["derived"] | used["relink"] | used["load"]:
                yield f"{field} is not in derived, relink or load"


def main(folders):
    tree = Tree(folders)
    errors, seen = [], set()
    for path, struct, body in tree.structs():
        if tree.is_checked(struct, body):
            seen.add(struct)
            errors += [f"{source.name(path)}: struct {struct}: {problem}"
                       for problem in tree.check(struct, body)]
    errors += [f"struct {name}: not found" for name in sorted((tree.types | tree.waits) - seen)]
    for error in errors:
        print(error, file=sys.stderr)
    print(f"lint_saved_fields: {len(seen)} structs, {len(errors)} errors")
    return 1 if errors or not seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["core", "snapshot", "vfs", "netstack", "tests/unit/toys"]))
