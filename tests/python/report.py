# SPDX-License-Identifier: Apache-2.0
"""Runs one module of Python's own tests and prints a line a test: its verdict and its name. What the
tests print themselves goes to stderr.

report.py MODULE [PATTERN…]: only tests whose name contains one of the patterns"""
import faulthandler
import os
import sys
import unittest

TEST_SECONDS = 120


class Report(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out, self.verdict = out, None

    def startTest(self, test):
        super().startTest(test)
        self.verdict = "ok"
        faulthandler.dump_traceback_later(TEST_SECONDS, exit=True, file=sys.__stderr__)

    def stopTest(self, test):
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()
        self.say(self.verdict, test)

    def say(self, verdict, test):
        self.out.write(f"{verdict} {test.id()}\n")
        self.out.flush()

    def fail(self, test, err):
        self.verdict = "FAILED"
        print(f"== {test.id()}\n{self._exc_info_to_string(err, test)}", file=sys.stderr, flush=True)

    def addFailure(self, test, err):
        self.fail(test, err)
        if not hasattr(test, "_testMethodName"): # of a class or module: there is no stopTest
            self.say("FAILED", test)

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.fail(test, err)

    def addSkip(self, test, reason):
        self.verdict = "skipped"

    def addExpectedFailure(self, test, err):
        self.verdict = "expected"

    def addUnexpectedSuccess(self, test):
        self.verdict = "FAILED"


def chosen(suite, patterns):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield unittest.TestSuite(chosen(test, patterns))
        elif not patterns or any(pattern in test.id() for pattern in patterns):
            yield test


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    suite = unittest.defaultTestLoader.loadTestsFromName("test." + sys.argv[1])
    unittest.TestSuite(chosen(suite, sys.argv[2:])).run(Report(out))
    out.write("end\n")
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
