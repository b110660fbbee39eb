# SPDX-License-Identifier: Apache-2.0
"""The sources of the tree, and C read without its preprocessor."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["core", "platform", "snapshot", "vfs", "netstack", "tools", "tests", "bench"]

# A struct, and a function, that starts in column 0 and ends with a brace there.
STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.M | re.S)
FUNCTION = re.compile(
    r"^(?!struct \w+ \{)[^\n#/}][^;{}]*?(\w+)\(([^;{}]*)\)\n\{\n(.*?)^\}", re.M | re.S)


def files(folders, suffixes):
    """The files below folders of the tree that have one of the suffixes, in order."""
    found = []
    for folder in folders:
        found += [path for path in pathlib.Path(ROOT, folder).rglob("*")
                  if path.suffix in suffixes and path.is_file()]
    return sorted(found)


def name(path):
    """The path as seen from the root of the tree."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def blank(match):
    """As many lines as the match had, and nothing else."""
    return "\n" * match[0].count("\n")


def strip(text, keep=None):
    """Without comments (but for those that the pattern keep matches) and contents of strings."""
    def comment(match):
        return match[0] if keep and keep.fullmatch(match[0]) else blank(match)

    text = re.sub(r"/\*.*?\*/", comment, text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"'(?:\\.|[^'\\\n])+'", "' '", text)
