# SPDX-License-Identifier: Apache-2.0
"""Help, man pages and completion say the same of every command, and are well made."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from tool_case import BIN, ToolCase

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MAN = os.path.join(ROOT, "docs", "man")
COMPLETION = os.path.join(ROOT, "scripts", "completion", "sbx.bash")
PROGRAMS = ("checkpoint", "restore", "inspect")


def output_of(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, ""), (command, result)
    return result.stdout


def verbs():
    return re.findall(r"^  ([a-z]+) ", output_of(os.path.join(BIN, "sbx"), "--help"), re.M)


def options_of_help(*command):
    """Option: the name of its value, or None."""
    text = output_of(os.path.join(BIN, command[0]), *command[1:], "--help")
    return {name: value or None
            for name, value in re.findall(r"^ +(?:-\w, )?--([a-z-]+)(?: (\S+))?", text, re.M)}


def letters_of_help(*command):
    text = output_of(os.path.join(BIN, command[0]), *command[1:], "--help")
    return set(re.findall(r"^ +-(\w), --", text, re.M))


def read_page(name):
    with open(os.path.join(MAN, name + ".1"), encoding="utf-8") as file:
        text = file.read()
    link = re.search(r"^\.so man1/(\S+)\.1$", text, re.M)
    return read_page(link[1]) if link else text


class Man(unittest.TestCase):
    def items(self, name):
        return re.findall(r"^\.It (Fl .*)$", read_page(name), re.M)

    def test_every_command_has_a_page(self):
        wanted = {"sbx.1", *(f"sbx-{verb}.1" for verb in verbs())}
        self.assertEqual(set(os.listdir(MAN)), wanted)

    def test_same_options_as_help(self):
        for verb in verbs():
            items = self.items(f"sbx-{verb}")
            self.assertEqual({re.search(r"Fl -([a-z-]+)", item)[1] for item in items},
                             set(options_of_help("sbx", verb)), verb)
            self.assertEqual({match[1] for item in items
                              if (match := re.match(r"Fl (\w) ,", item))},
                             letters_of_help("sbx", verb), verb)

    def test_a_value_where_help_has_one(self):
        for verb in verbs():
            helped = options_of_help("sbx", verb)
            for item in self.items(f"sbx-{verb}"):
                name = re.search(r"Fl -([a-z-]+)", item)[1]
                has_value = re.search(r" (Ar|Cm) ", item + " ") is not None
                self.assertEqual(has_value, helped[name] is not None, f"{verb} {item}")

    def test_verbs_are_in_the_overview(self):
        text = read_page("sbx")
        for verb in verbs():
            self.assertRegex(text, rf"(?m)^\.It Cm (?:\w+ , )?{verb}\b", verb)

    def test_programs_have_the_same_help(self):
        for verb in PROGRAMS:
            self.assertEqual(output_of(os.path.join(BIN, f"sbx-{verb}"), "--help"),
                             output_of(os.path.join(BIN, "sbx"), verb, "--help"))

    def test_shape_of_help(self):
        for verb in verbs():
            lines = output_of(os.path.join(BIN, "sbx"), verb, "--help").splitlines()
            program = f"sbx-{verb}" if verb in PROGRAMS else f"sbx {verb}"
            self.assertTrue(lines[0].startswith(f"usage: {program} [OPTION]…"), lines[0])
            self.assertRegex(lines[1], r"^[A-Z].*\.$")
            self.assertEqual(lines[2], "")
            self.assertRegex(lines[-1], r"^  -h, --help +print this$")

    def test_no_warnings(self):
        tools = [(name, command) for name, command in
                 (("groff", ["groff", "-mdoc", "-Tutf8", "-ww", "-z"]),
                  ("mandoc", ["mandoc", "-T", "lint", "-W", "warning"])) if shutil.which(name)]
        if not tools:
            self.skipTest("neither groff nor mandoc is installed")
        for page in sorted(os.listdir(MAN)):
            path = os.path.join(MAN, page)
            with open(path, encoding="utf-8") as file:
                if "\n.so " in file.read():
                    continue
            for _, command in tools:
                result = subprocess.run([*command, path], capture_output=True, text=True,
                                        check=False)
                self.assertEqual((result.returncode, result.stderr), (0, ""), page)


class Completion(ToolCase):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = """
            . "$1"; shift
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _sbx
            printf '%s\\n' "${COMPREPLY[@]}"
        """
        path = BIN + ":" + os.environ["PATH"]
        result = subprocess.run(["bash", "-c", script, "bash", COMPLETION, *words],
                                capture_output=True, text=True, check=False, cwd=self.dir.name,
                                env={**os.environ, "PATH": path, "SBX_ROOT": self.state})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return set(result.stdout.split())

    def test_verbs(self):
        self.assertEqual(self.complete("sbx", ""), {*verbs(), "--help"})
        self.assertEqual(self.complete("sbx", "r"), {"run", "resume", "restore"})

    def test_options_are_those_of_help(self):
        for verb in verbs():
            wanted = {f"--{name}" for name in options_of_help("sbx", verb)}
            self.assertEqual(self.complete("sbx", verb, "--"), wanted, verb)
            if verb in PROGRAMS:
                self.assertEqual(self.complete(f"sbx-{verb}", "--"), wanted, verb)
        self.assertEqual(self.complete("sbx", "run", "-"),
                         {f"--{name}" for name in options_of_help("sbx", "run")} | {"-d", "-h"})

    def test_values(self):
        self.assertEqual(self.complete("sbx", "list", "--format", ""), {"table", "json"})
        self.assertEqual(self.complete("sbx-inspect", "--format", "r"), {"raw"})
        self.assertEqual(self.complete("sbx-checkpoint", "--compress", ""), {"none", "zstd"})
        self.assertEqual(self.complete("sbx-checkpoint", "--progress", "p"), {"plain"})
        self.assertEqual(self.complete("sbx", "run", "--log-level", "w"), {"warning"})
        os.mkdir(os.path.join(self.dir.name, "images"))
        self.assertEqual(self.complete("sbx-restore", "--image-path", "im"), {"images"})

    def test_operands(self):
        self.assertEqual(self.complete("sbx", "inspect", "m"), {"mounts", "maps", "mem"})
        self.assertEqual(self.complete("sbx-inspect", "--format", "json", "v"), {"verify"})
        os.mkdir(os.path.join(self.dir.name, "images"))
        self.assertEqual(self.complete("sbx-inspect", "ps", "im"), {"images"})
        self.assertIn("SIGTERM", self.complete("sbx", "kill", "demo", "SIGT"))
        self.assertIn("bash", self.complete("sbx", "run", "--", "bas"))

    def test_names(self):
        self.assertEqual(self.complete("sbx", "state", ""), set())
        self.start("--", "/bin/sleep", "1000")
        for words in (("sbx", "state", ""), ("sbx", "kill", "d"), ("sbx", "pause", ""),
                      ("sbx", "checkpoint", "--leave-running", ""), ("sbx-checkpoint", "de")):
            self.assertEqual(self.complete(*words), {"demo"}, words)
        self.assertEqual(self.complete("sbx", "state", "x"), set())


class Install(unittest.TestCase):
    def test_install(self):
        build = os.path.join(BIN, "..")
        with tempfile.TemporaryDirectory() as prefix:
            output_of("cmake", "--install", build, "--prefix", prefix)
            self.assertEqual(set(os.listdir(os.path.join(prefix, "bin"))),
                             {"sbx", "sbx-kernel", *(f"sbx-{name}" for name in PROGRAMS)})
            self.assertEqual(set(os.listdir(os.path.join(prefix, "share/man/man1"))),
                             set(os.listdir(MAN)))
            self.assertEqual(set(os.listdir(os.path.join(prefix,
                                                         "share/bash-completion/completions"))),
                             {"sbx", *(f"sbx-{name}" for name in PROGRAMS)})
            state = os.path.join(prefix, "state")
            output = output_of(os.path.join(prefix, "bin/sbx"), "run", "--root", state, "--",
                               "/bin/echo", "installed")
            self.assertEqual(output, "installed\n")


if __name__ == "__main__":
    unittest.main()
