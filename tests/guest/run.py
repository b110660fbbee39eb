#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the guest programs: on the host first, which says what is right, then in sandboxes.

run.py --programs DIR native
run.py --programs DIR --bin DIR sbx [--platform P] [--checkpoint every|seeded-tenth|N]
                                    [--random-instants N] [--seed S]

A program exits 0 (or with what it is about), 1 on a failure, 77 when it cannot be tried here. In a
sandbox its output and exit code must be those of the native run. A hang is a failure; so is
anything that is left behind: processes, mounts, files, bytes in the host's directory."""
import argparse
import concurrent.futures
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import pieces

SKIPPED = 77
# Programs that are about how they end; all others end with 0.
CODES = {"hello": 3, "hello_pie": 3, "exit_signal": 143}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("mode", choices=["native", "sbx"])
    parser.add_argument("--programs", required=True, help="directory of the built programs")
    parser.add_argument("--bin", help="directory of the tools")
    parser.add_argument("--platform", default="auto")
    parser.add_argument("--checkpoint", metavar="every|seeded-tenth|N")
    parser.add_argument("--random-instants", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--filter", default="", help="only programs whose name contains it")
    parser.add_argument("--only", nargs="+", default=[], help="only these programs")
    parser.add_argument("--timeout", type=float, default=None, help="seconds a program")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.mode == "sbx" and options.bin is None:
        parser.error("sbx needs --bin")
    if options.timeout is None:
        options.timeout = 600 if options.checkpoint or options.random_instants else 60
    return options


def find_programs(options):
    names = []
    for name in sorted(os.listdir(options.programs)):
        path = os.path.join(options.programs, name)
        if not os.path.isfile(path) or not os.access(path, os.X_OK) or "." in name:
            continue
        if options.filter in name and (not options.only or name in options.only):
            names.append(name)
    return names


def make_plan(options, name, seconds):
    seed = f"{options.seed} {name}"
    if options.random_instants:
        plan = pieces.Plan("instants", seed, options.random_instants)
        plan.seconds = seconds
        return plan
    if options.checkpoint == "every":
        return pieces.Plan("every")
    if options.checkpoint == "seeded-tenth":
        return pieces.Plan("tenth", seed)
    if options.checkpoint is not None:
        return pieces.Plan("at", 0, int(options.checkpoint))
    return pieces.Plan()


class Result:
    def __init__(self, name):
        self.name, self.verdict, self.text = name, "ok", ""
        self.checkpoints = self.blocked = 0


class Suite:
    def __init__(self, options):
        self.options = options
        self.tools = None
        if options.mode == "sbx":
            self.tools = pieces.Tools(options.bin, options.platform)
        self.base = tempfile.mkdtemp(prefix="sbx-guest-")
        os.chmod(self.base, 0o755)
        self.lock = threading.Lock()

    def native(self, path):
        place = pieces.Place(self.base)
        try:
            return pieces.run_native([path], place, 60)
        finally:
            place.remove()

    def sandboxed(self, path, plan):
        place = pieces.Place(self.base)
        try:
            outcome = pieces.run_sandboxed(self.tools, [path], place, plan, self.options.timeout)
            left = os.listdir(place.cwd)
            if outcome.problem is None and left:
                outcome.problem = f"written to the host: {' '.join(sorted(left))}"
            return outcome
        finally:
            place.remove()

    def run_one(self, name):
        result = Result(name)
        path = os.path.join(os.path.abspath(self.options.programs), name)
        native = self.native(path)
        if native.code == SKIPPED:
            result.verdict = "skipped"
            result.text = native.stdout.decode(errors="replace").strip().splitlines()[-1]
        elif native.problem is not None or native.code != CODES.get(name, 0):
            result.verdict = "FAILED"
            why = native.problem or f"exit code {native.code}: {native.stderr.strip()}"
            result.text = f"on the host: {why}"
        elif self.tools is not None:
            self.compare(result, path, native)
        return result

    def compare(self, result, path, native):
        seconds = native.seconds
        if self.options.random_instants:
            whole = self.sandboxed(path, pieces.Plan())
            seconds = whole.seconds
        found = self.sandboxed(path, make_plan(self.options, result.name, seconds))
        what = pieces.difference(native, found)
        result.checkpoints, result.blocked = found.checkpoints, found.blocked
        result.text = f"{found.seconds:.1f} s"
        if found.checkpoints:
            result.text += f", {found.checkpoints} checkpoints, {found.blocked} in a blocked call"
        if what is not None:
            result.verdict = "FAILED"
            result.text = f"{what} ({result.text})\n{indent(found.stderr)}"

    def run(self):
        names = find_programs(self.options)
        if not names:
            sys.exit(f"no program in {self.options.programs}")
        start, results = time.monotonic(), []
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for result in pool.map(self.run_one, names):
                results.append(result)
                print(f"{result.verdict:8}{result.name:20}{result.text}".rstrip(), flush=True)
        return self.conclude(results, time.monotonic() - start)

    def conclude(self, results, seconds):
        failures = [result.name for result in results if result.verdict == "FAILED"]
        skipped = sum(result.verdict == "skipped" for result in results)
        checkpoints = sum(result.checkpoints for result in results)
        blocked = sum(result.blocked for result in results)
        print(f"{len(results)} programs, {len(failures)} failed, {skipped} skipped, {seconds:.0f} s")
        wants_cuts = self.options.checkpoint or self.options.random_instants
        if wants_cuts:
            print(f"{checkpoints} checkpoints, {blocked} of them inside a blocked call")
            if checkpoints == 0:
                failures.append("no checkpoint was taken")
            if self.options.checkpoint in ("every", "seeded-tenth") and blocked == 0 and \
                    len(results) > 20:
                failures.append("no checkpoint was taken inside a blocked call")
        failures += self.find_leaks()
        for failure in failures:
            print(f"FAILED: {failure}")
        return 1 if failures else 0

    def find_leaks(self):
        leaks = [f"left behind: {name}" for name in os.listdir(self.base)]
        os.rmdir(self.base) if not leaks else None
        if self.tools is not None:
            leaks += [f"left behind: {leak}" for leak in self.tools.leaks()]
            self.tools.close()
        return leaks


def indent(text):
    return "\n".join("        " + line for line in text.splitlines()[-20:])


if __name__ == "__main__":
    sys.exit(Suite(parse()).run())
