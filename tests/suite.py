# SPDX-License-Identifier: Apache-2.0
"""A set of programs, each run on the host and then in a sandbox, as the options say. What is there
on the host is right: in the sandbox output and exit code must be the same. A hang is a failure; so
is anything that is left behind: processes, mounts, files, bytes in the host's directory."""
import concurrent.futures
import os
import sys
import tempfile
import time

import pieces

SKIPPED = 77
RUNS_MAX = 200 # of one program, for --at-least


class Program:
    """argv, and the exit code it must have on the host (None: any)."""

    def __init__(self, name, argv, code=0):
        self.name, self.argv, self.code = name, argv, code


class Result:
    def __init__(self, name):
        self.name, self.verdict, self.text = name, "ok", ""
        self.checkpoints = self.blocked = 0
        self.seconds = 0.0

    def add(self, outcome):
        """One run more."""
        self.checkpoints += outcome.checkpoints
        self.blocked += outcome.blocked
        self.seconds += outcome.seconds
        self.text = f"{self.seconds:.1f} s"
        if self.checkpoints:
            self.text += f", {self.checkpoints} checkpoints"
        if self.blocked:
            self.text += f", {self.blocked} in a blocked call"


def add_options(parser):
    parser.add_argument("mode", choices=["native", "sbx"])
    parser.add_argument("--bin", help="directory of the tools")
    parser.add_argument("--platform", default="auto")
    parser.add_argument("--checkpoint", metavar="every|seeded-tenth|N",
                        help="at each system call, at every tenth or so, at the N-th of each piece")
    parser.add_argument("--random-instants", type=int, default=0, metavar="N",
                        help="checkpoints from outside, at N random instants of each run")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--lazy", dest="restore_option", action="store_const", const="--lazy",
                     help="restores read memory when it is touched (the default)")
    how.add_argument("--eager", dest="restore_option", action="store_const", const="--eager",
                     help="restores read all memory first")
    parser.add_argument("--at-least", type=int, default=0, metavar="N",
                        help="run each again, at other instants, until there were N checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--filter", default="", help="only programs whose name contains it")
    parser.add_argument("--only", nargs="+", default=[], help="only these programs")
    parser.add_argument("--timeout", type=float, default=None, help="seconds a program")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())


def check_options(parser, options):
    if options.mode == "sbx" and options.bin is None:
        parser.error("sbx needs --bin")
    if options.timeout is None:
        options.timeout = 600 if options.checkpoint or options.random_instants else 60


class Suite:
    def __init__(self, options, programs):
        self.options = options
        self.programs = [program for program in programs if options.filter in program.name and
                         (not options.only or program.name in options.only)]
        self.tools = None
        if options.mode == "sbx":
            self.tools = pieces.Tools(options.bin, options.platform, options.restore_option)
        self.base = tempfile.mkdtemp(prefix="sbx-suite-")
        os.chmod(self.base, 0o755)

    def make_plan(self, name, seconds, run):
        seed = f"{self.options.seed} {name}" + (f" {run}" if run else "")
        if self.options.random_instants:
            return pieces.Plan("instants", seed, self.options.random_instants, seconds)
        if self.options.checkpoint == "every":
            return pieces.Plan("every")
        if self.options.checkpoint == "seeded-tenth":
            return pieces.Plan("tenth", seed)
        if self.options.checkpoint is not None:
            return pieces.Plan("at", count=int(self.options.checkpoint))
        return pieces.Plan()

    def native(self, argv):
        place = pieces.Place(self.base)
        try:
            return pieces.run_native(argv, place, 60)
        finally:
            place.remove()

    def sandboxed(self, argv, plan):
        place = pieces.Place(self.base)
        try:
            outcome = pieces.run_sandboxed(self.tools, argv, place, plan, self.options.timeout)
            left = os.listdir(place.cwd)
            if outcome.problem is None and left:
                outcome.problem = f"written to the host: {' '.join(sorted(left))}"
            return outcome
        finally:
            place.remove()

    def run_one(self, program):
        result = Result(program.name)
        native = self.native(program.argv)
        if native.code == SKIPPED:
            result.verdict = "skipped"
            result.text = native.stdout.decode(errors="replace").strip().splitlines()[-1]
        elif native.problem or program.code not in (None, native.code):
            why = native.problem or f"exit code {native.code}: {native.stderr.strip()}"
            result.verdict, result.text = "FAILED", f"on the host: {why}"
        elif self.tools is not None:
            self.compare(result, program.argv, native)
        return result

    def compare(self, result, argv, native):
        seconds = native.seconds
        if self.options.random_instants: # how long it takes uncut
            whole = self.sandboxed(argv, pieces.Plan())
            seconds = whole.seconds
            if pieces.difference(native, whole) is not None:
                result.verdict = "FAILED"
                result.text = f"uncut: {pieces.difference(native, whole)}"
                return
        for run in range(RUNS_MAX):
            found = self.sandboxed(argv, self.make_plan(result.name, seconds, run))
            what = pieces.difference(native, found)
            result.add(found)
            if what is not None:
                result.verdict = "FAILED"
                result.text = f"{what} (run {run}, {result.text})\n{last_lines(found.stderr)}".rstrip()
            if what is not None or result.checkpoints >= self.options.at_least:
                return

    def run(self):
        if not self.programs:
            print("no such program")
            return 1
        start, results = time.monotonic(), []
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for result in pool.map(self.run_one, self.programs):
                results.append(result)
                print(f"{result.verdict:8}{result.name:20}{result.text}".rstrip(), flush=True)
        return self.conclude(results, time.monotonic() - start)

    def conclude(self, results, seconds):
        failures = [result.name for result in results if result.verdict == "FAILED"]
        skipped = sum(result.verdict == "skipped" for result in results)
        print(f"{len(results)} programs, {len(failures)} failed, {skipped} skipped, "
              f"{seconds:.0f} s")
        if self.options.checkpoint or self.options.random_instants:
            failures += self.count_checkpoints(results)
        failures += self.find_leaks()
        for failure in failures:
            print(f"FAILED: {failure}")
        return 1 if failures else 0

    def count_checkpoints(self, results):
        checkpoints = sum(result.checkpoints for result in results)
        blocked = sum(result.blocked for result in results)
        where = "at random instants"
        if self.options.checkpoint:
            where = f"{blocked} of them inside a blocked call"
        print(f"{checkpoints} checkpoints, {where}")
        if checkpoints == 0:
            return ["no checkpoint was taken"]
        if self.options.checkpoint in ("every", "seeded-tenth") and blocked == 0 and \
                len(results) > 20:
            return ["no checkpoint was taken inside a blocked call"]
        return []

    def find_leaks(self):
        leaks = [f"left behind: {name}" for name in os.listdir(self.base)]
        if not leaks:
            os.rmdir(self.base)
        if self.tools is not None:
            leaks += [f"left behind: {leak}" for leak in self.tools.leaks()]
            self.tools.close()
        return leaks


def last_lines(text):
    return "\n".join("        " + line for line in text.splitlines()[-20:])


def main(options, programs):
    sys.exit(Suite(options, programs).run())
