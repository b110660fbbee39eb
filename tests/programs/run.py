#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scripts of this directory, each by Debian's own interpreter of its kind: on the host, and
in sandboxes.

run.py native
run.py --bin DIR sbx [--platform P] [--random-instants N] [--checkpoint …] [--seed S] [-j JOBS]"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import suite

ENVIRONMENT = ["PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=/"]
INTERPRETERS = {".sh": "dash", ".bash": "bash", ".py": "/usr/bin/python3", ".pl": "perl", ".js": "node"}


def find_programs():
    programs = []
    for file in sorted(os.listdir(HERE)):
        name, kind = os.path.splitext(file)
        if kind in INTERPRETERS and file != os.path.basename(__file__):
            programs.append(suite.Program(name, ["/usr/bin/env", "-i"] + ENVIRONMENT +
                                          [INTERPRETERS[kind], os.path.join(HERE, file)], None))
    return programs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    suite.add_options(parser)
    options = parser.parse_args()
    suite.check_options(parser, options)
    suite.main(options, find_programs())


main()
