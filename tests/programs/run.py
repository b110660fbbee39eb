#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scripts of this directory, with Debian's own dash and coreutils: on the host, and in
sandboxes.

run.py native
run.py --bin DIR sbx [--platform P] [--random-instants N] [--checkpoint …] [--seed S] [-j JOBS]"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import suite

ENVIRONMENT = ["PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=/"]


def find_programs():
    names = [name[:-3] for name in sorted(os.listdir(HERE)) if name.endswith(".sh")]
    return [suite.Program(name, ["/usr/bin/env", "-i"] + ENVIRONMENT +
                          ["dash", os.path.join(HERE, name + ".sh")], None) for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    suite.add_options(parser)
    options = parser.parse_args()
    suite.check_options(parser, options)
    suite.main(options, find_programs())


main()
