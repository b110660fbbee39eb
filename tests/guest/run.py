#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the guest programs: on the host, where they must pass, and in sandboxes.

run.py --programs DIR native
run.py --programs DIR --bin DIR sbx [--platform P] [--checkpoint every|seeded-tenth|N]
                                    [--random-instants N] [--seed S] [--filter TEXT] [-j JOBS]

A program exits with 0, 1 on a failure, 77 when it cannot be tried here."""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import suite

# Programs that are about how they end; all others end with 0.
CODES = {"hello": 3, "hello_pie": 3, "exit_signal": 143}


def find_programs(directory):
    programs = []
    for name in sorted(os.listdir(directory)):
        path = os.path.join(os.path.abspath(directory), name)
        if os.path.isfile(path) and os.access(path, os.X_OK) and "." not in name:
            programs.append(suite.Program(name, [path], CODES.get(name, 0)))
    return programs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", required=True, help="directory of the built programs")
    suite.add_options(parser)
    options = parser.parse_args()
    suite.check_options(parser, options)
    suite.main(options, find_programs(options.programs))


main()
