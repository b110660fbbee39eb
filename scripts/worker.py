# SPDX-License-Identifier: Apache-2.0
"""What the demonstration saves and restores: a program with a thread, a child on two pipes, an open
file that has no name, and a timer. Each turn uses all of them and prints a tick; it ends with an
error if any of them lost or repeated anything."""
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
import zlib

ALARM_SECONDS = 0.02
TURN_SECONDS = 0.1


class Alarms:
    """Counts the interval timer's signals."""

    def __init__(self):
        self.count = 0
        signal.signal(signal.SIGALRM, self.on_alarm)
        signal.setitimer(signal.ITIMER_REAL, ALARM_SECONDS, ALARM_SECONDS)

    def on_alarm(self, number, frame):
        self.count += 1


def square(questions, answers):
    """The thread."""
    while True:
        answers.put(questions.get() ** 2)


def main():
    alarms = Alarms()
    questions, answers = queue.Queue(), queue.Queue()
    threading.Thread(target=square, args=(questions, answers), daemon=True).start()
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    log = tempfile.TemporaryFile()
    crc, before, n = 0, time.monotonic(), 0
    while True:
        n += 1
        questions.put(n)
        line = b"%d squared is %d\n" % (n, answers.get())
        child.stdin.write(line)
        assert child.stdout.readline() == line == b"%d squared is %d\n" % (n, n * n)
        log.write(line)
        log.seek(0)
        crc = zlib.crc32(line, crc)
        assert zlib.crc32(log.read()) == crc, "the file is not what was written"
        now = time.monotonic()
        assert now >= before, "time went backwards"
        before = now
        print(f"tick {n}", flush=True)
        seen, end = alarms.count, time.monotonic() + 60
        time.sleep(TURN_SECONDS)
        while alarms.count == seen:
            assert time.monotonic() < end, "the timer has stopped"
            time.sleep(ALARM_SECONDS)


main()
