#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures sbx against the host, and against gVisor where runsc26 or runsc is on PATH, in one run
on one machine. Medians; the ratios are what can be compared with other machines.

run.py --bin DIR --programs DIR [--platform P] [--repeat N] [--megabytes N] [--no-peer]
       [--json FILE]"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import subjects

DASH_LOOP = "n=0; while :; do n=$((n+1)); echo tick $n | cat >> log; tail -n1 log; sleep 0.01; done"


def machine():
    """What the figures were made on."""
    def first(path, key):
        with open(path) as file:
            found = [line.split(":", 1)[1].strip() for line in file if line.startswith(key)]
        return found[0] if found else "?"
    return {"cpu": first("/proc/cpuinfo", "model name"), "cpus": os.cpu_count(),
            "memory": first("/proc/meminfo", "MemTotal"), "kernel": platform.release(),
            "huge_shmem": open("/sys/kernel/mm/transparent_hugepage/shmem_enabled").read().strip()
            if os.path.exists("/sys/kernel/mm/transparent_hugepage/shmem_enabled") else "?",
            "virtual": "hypervisor" in open("/proc/cpuinfo").read()}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", required=True, help="directory of the tools")
    parser.add_argument("--programs", required=True, help="directory of the built programs")
    parser.add_argument("--platform", default="auto")
    parser.add_argument("--repeat", type=int, default=11)
    parser.add_argument("--megabytes", type=int, default=1024, help="memory of the large program")
    parser.add_argument("--no-peer", action="store_true", help="without gVisor")
    parser.add_argument("--smoke", action="store_true", help="small and once, to see that it works")
    parser.add_argument("--json", help="write the figures there, too")
    options = parser.parse_args()
    if options.smoke:
        options.repeat, options.megabytes = 1, 16
    return options


class Bench:
    def __init__(self, options):
        self.options = options
        self.top = tempfile.mkdtemp(prefix="sbx-bench-")
        os.chmod(self.top, 0o755)
        self.rows = []
        self.subjects = [subjects.Host(self.top),
                         subjects.Sbx(self.top, options.bin, options.platform)]
        runsc = shutil.which("runsc26") or shutil.which("runsc")
        if runsc and not options.no_peer:
            self.subjects.append(subjects.Gvisor(self.top, runsc))

    def program(self, name):
        return os.path.join(os.path.abspath(self.options.programs), name)

    def add(self, what, unit, measure):
        """measure(subject) gives one figure, or None: this subject cannot do that."""
        row = {"what": what, "unit": unit}
        for subject in self.subjects:
            figures = []
            for _ in range(self.options.repeat):
                try:
                    figure = measure(subject)
                except (OSError, subprocess.SubprocessError, subjects.Failed) as why:
                    print(f"bench: {what}: {subject.name}: {why}", file=sys.stderr)
                    row.setdefault("failed", []).append(subject.name)
                    break
                if figure is None:
                    break
                figures.append(figure)
            if figures:
                row[subject.name] = statistics.median(figures)
        self.rows.append(row)
        print_row(row, self.subjects)

    def add_cycle(self, name, argv, ready, *options):
        """Checkpoints and restores of one program: rows for the parts."""
        parts = {}
        for subject in self.subjects[1:]:
            for _ in range(max(1, self.options.repeat // 2)):
                try:
                    for part, figure in subject.cycle(argv, ready, *options).items():
                        parts.setdefault(part, {}).setdefault(subject.name, []).append(figure)
                except (OSError, subprocess.SubprocessError, subjects.Failed) as why:
                    print(f"bench: {name}: {subject.name}: {why}", file=sys.stderr)
                    parts.setdefault("failed", {})[subject.name] = [1]
                    break
        for part, figures in parts.items():
            row = {"what": f"{name}: {part}", "unit": "MB" if part == "image size" else "ms"}
            row.update({who: statistics.median(values) for who, values in figures.items()})
            self.rows.append(row)
            print_row(row, self.subjects)

    def run(self):
        options = self.options
        facts = machine()
        print("  ".join(f"{key}: {value}" for key, value in facts.items()))
        print("  ".join(f"{subject.name}: {subject.version()}" for subject in self.subjects))
        print(f"medians of {options.repeat}; in brackets: ratio to the host, or gVisor's to ours\n")
        print_head(self.subjects)
        count = "100" if options.smoke else "10000"
        self.add("getppid", "ns", lambda s: s.figure([self.program("getppid"), count]))
        count = "2" if options.smoke else "50"
        self.add("fork + exec of /bin/true", "µs",
                 lambda s: s.figure([self.program("fork_exec"), count]) / 1000)
        self.add("/bin/true, start to end", "ms", lambda s: s.run_to_end(["/bin/true"]))
        self.add_cycle("dash loop", ["/bin/dash", "-c", DASH_LOOP], "tick 3\n")
        large = [self.program("touch"), str(options.megabytes)]
        self.add_cycle(f"{options.megabytes} MB", large, "ready\n")
        self.add_cycle(f"{options.megabytes} MB, raw", large, "ready\n", "--compress", "none")
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"machine": facts, "rows": self.rows}, file, indent=1)
        for subject in self.subjects:
            subject.close()
        shutil.rmtree(self.top, ignore_errors=True)
        return any("failed" in row or row["what"].endswith("failed") for row in self.rows)


def print_head(names):
    print(f"{'':44}" + "".join(f"{subject.name:>22}" for subject in names))


def print_row(row, names):
    """The figures; behind sbx's its ratio to the host, behind gVisor's its ratio to sbx."""
    line, before = f"{row['what'] + ', ' + row['unit']:44}", None
    for subject in names:
        value = row.get(subject.name)
        if value is None:
            line += f"{'-':>22}"
            continue
        text = f"{value:.2f}" if value < 100 else f"{value:.0f}"
        if before:
            text += f" ({value / before:.2f}×)"
        line += f"{text:>22}"
        before = value or None
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(1 if Bench(parse()).run() else 0)
