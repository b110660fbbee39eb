#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that each check catches what it is for.

usage: run.py --build FOLDER [--compiler CC] [--quick | --types] [NAME...]

Copies the tree to FOLDER and builds it there with AddressSanitizer. Then each mutant of mutants.py
is applied, the programs are built and the step named runs: it has to fail and to say what is
expected. Without NAMEs (beginnings of names) all mutants of the registry and of waiting run; --quick
takes a handful, --types adds those of the kernel's own types, for which the whole kernel is built.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import mutants

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ["objects", "loader", "kernel_image", "lock", "host", "uio", "gate", "wait", "events",
            "freeze"]
LINTS = ["saved_fields", "includes", "host_calls"]
TIMEOUT = 60  # seconds; a whole program takes a few
BUILD_TIMEOUT = 1200


def run(command, folder, timeout):
    """(failed, output)."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False,
                              errors="replace", timeout=timeout)
        return done.returncode != 0, f"{done.stdout}{done.stderr}\nexit {done.returncode}\n"
    except subprocess.TimeoutExpired:
        return True, "timed out"


class Workshop:
    """A copy of the tree, where it is built and changed."""

    def __init__(self, folder, compiler):
        self.tree = folder / "tree"
        self.build = folder / "build"
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        shutil.copytree(ROOT, self.tree, ignore=shutil.ignore_patterns("build", ".git"))
        command = ["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja", "-DSBX_ASAN=ON",
                   "-DSBX_STALL=ON", "-DCMAKE_BUILD_TYPE=Debug"]
        if compiler:
            command.append(f"-DCMAKE_C_COMPILER={compiler}")
        failed, output = run(command, folder, BUILD_TIMEOUT)
        if failed:
            sys.exit(f"mutants: cmake: {output[-1000:]}")

    def make(self, targets):
        return run(["ninja", "-k0", "-j2", *targets], self.build, BUILD_TIMEOUT)

    def lint(self):
        outputs = [run([sys.executable, self.tree / "tests/lint" / f"lint_{lint}.py"], self.tree,
                       TIMEOUT) for lint in LINTS]
        return any(failed for failed, _ in outputs), "".join(output for _, output in outputs)

    def program(self, name):
        command = [self.build / "bin" / f"test_{name}"]
        if name == "freeze":
            command.append("300")
        return run(command, self.build, TIMEOUT)

    def steps(self, step):
        """What has to pass before a step, and the step: (name, function)."""
        if step == mutants.LINT:
            return [(step, self.lint)]
        if step == mutants.BUILD:
            return [(step, lambda: self.make([f"test_{name}" for name in PROGRAMS]))]
        if step == mutants.KERNEL:
            return [(step, lambda: self.make(["test_fixtures"]))]
        return [(mutants.BUILD, lambda: self.make([f"test_{step}"])),
                (step, lambda: self.program(step))]

    def check(self, mutant):
        """True if the mutant is caught by its step, and by none before it."""
        name, file, pattern, replacement, step, expected = mutant
        path = self.tree / file
        text = path.read_text()
        changed, count = re.subn(pattern, replacement, text, count=1)
        if count != 1 or changed == text:
            print(f"BROKEN   {name}: the pattern is not in {file}")
            return False
        path.write_text(changed)
        try:
            for at, action in self.steps(step):
                failed, output = action()
                if failed:
                    return report(name, at, step, expected, output)
        finally:
            path.write_text(text)
        print(f"SURVIVED {name}")
        return False


def report(name, at, step, expected, output):
    match = re.search(expected, output, re.S) if at == step else None
    line = output[match.start():].splitlines()[0][:90] if match else output[-1000:]
    print(f"{'caught  ' if match else 'WRONG   '} {name}: {at}: {line}", flush=True)
    return match is not None


def check_whole(workshop, with_types):
    """The tree itself must pass every step (the lints are tests by themselves)."""
    names = [f"test_{name}" for name in PROGRAMS] + (["test_fixtures"] if with_types else [])
    failed, output = workshop.make(names)
    for program in PROGRAMS + (["fixtures"] if with_types else []):
        if not failed:
            failed, output = workshop.program(program)
    if failed:
        sys.exit(f"mutants: the tree itself does not pass: {output[-1500:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--compiler")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--types", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    chosen = mutants.REGISTRY + mutants.WAITS + (mutants.TYPES if options.types else [])
    if options.quick:
        chosen = [mutant for mutant in chosen if mutant[0] in mutants.QUICK]
    if options.names:
        chosen = [m for m in chosen if any(m[0].startswith(name) for name in options.names)]
    workshop = Workshop(options.build.resolve(), options.compiler)
    check_whole(workshop, options.types)
    caught = [workshop.check(mutant) for mutant in chosen]
    print(f"mutants: {sum(caught)} of {len(caught)} caught")
    return 0 if caught and all(caught) else 1


if __name__ == "__main__":
    sys.exit(main())
