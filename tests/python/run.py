#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python's own tests (Debian's libpython3.11-testsuite), module by module, on the host and in a
sandbox: each test must come to the same verdict in both, but for those in known.txt.

run.py --bin DIR [--platform P] [-j JOBS] [--only MODULE…] [--show]"""
import argparse
import concurrent.futures
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import pieces

PYTHON = "/usr/bin/python3"
MODULES = ["signal", "subprocess", "threading", "os", "posix", "select", "mmap", "fcntl", "tempfile", "time"]
TIMEOUT = 600
SKIPPED = 77


def read_known():
    """Test name → reason."""
    known = {}
    with open(os.path.join(HERE, "known.txt")) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, reason = line.split(None, 1)
                known[name] = reason.strip()
    return known


def verdicts(outcome):
    """Test name → verdict, and whether the module came to its end."""
    lines = outcome.stdout.decode(errors="replace").splitlines()
    found = dict(reversed(line.split(" ", 1)) for line in lines if " " in line)
    return found, lines[-1:] == ["end"]


class Runner:
    def __init__(self, options):
        self.options, self.known = options, read_known()
        self.tools = pieces.Tools(options.bin, options.platform)
        self.used = set()

    def run_module(self, module):
        argv = ["/usr/bin/prlimit", "--nofile=1024:1024", "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/", PYTHON,
                os.path.join(HERE, "report.py"), "test_" + module]
        place = pieces.Place()
        try:
            native = pieces.run_native(argv, place, TIMEOUT)
            found = pieces.run_sandboxed(self.tools, argv, place, pieces.Plan(), TIMEOUT)
        finally:
            place.remove()
        return module, native, found

    def compare(self, module, native, found):
        (expected, is_whole), (got, is_done) = verdicts(native), verdicts(found)
        problems = []
        if native.problem or not is_whole:
            problems.append(f"on the host: {native.problem or 'it breaks off'}")
        if found.problem or not is_done:
            last = list(got)[-1:] or ["the first test"]
            problems.append(f"{found.problem or 'it breaks off'} after {last[0]}: "
                            f"{found.stderr[-500:]}")
        for name, verdict in expected.items():
            if name not in got and not is_done:
                continue
            if name in self.known:
                self.used.add(name)
                if got.get(name) == verdict:
                    problems.append(f"{name} is in known.txt, but is as on the host")
            elif got.get(name) != verdict:
                problems.append(f"{name}: {got.get(name, 'not run')} instead of {verdict}")
        print(f"{'FAILED' if problems else 'ok':8}{module:12}{len(got)} tests, "
              f"{sum(name in self.known for name in expected)} known, {native.seconds:.1f} s on the "
              f"host, {found.seconds:.1f} s", flush=True)
        for problem in problems:
            print(f"        {problem}")
        if self.options.show:
            print(found.stderr)
        return len(problems)

    def run(self):
        modules = self.options.only or MODULES
        failures = 0
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for result in pool.map(self.run_module, modules):
                failures += self.compare(*result)
        leaks = self.tools.leaks()
        self.tools.close()
        for leak in leaks:
            print(f"left behind: {leak}")
        return 1 if failures or leaks else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="directory of the tools")
    parser.add_argument("--platform", default="auto")
    parser.add_argument("--only", nargs="+", default=[], help="modules, without test_")
    parser.add_argument("--show", action="store_true", help="what the tests in the sandbox say")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if not os.path.isdir("/usr/lib/python3.11/test"):
        print("skipped: libpython3.11-testsuite is not installed")
        sys.exit(SKIPPED)
    sys.exit(Runner(options).run())


main()
