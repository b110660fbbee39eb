# SPDX-License-Identifier: Apache-2.0
"""The program that the fault tests disturb: a dash loop that counts, with some memory behind it.
What it prints shows whether it goes on, and whether anything of it was lost."""
import re

from sandbox import check

SCRIPT = """
text=$(seq 1 60000)
n=0
while [ $n -lt {rounds} ]; do
    n=$((n + 1))
    echo "tick $n ${{#text}}"
    sleep 0.02
done
"""
SIZE = len("\n".join(str(i) for i in range(1, 60001)))


def start(case, rounds=100000, *options):
    sandbox = case.start(["/bin/dash", "-c", SCRIPT.format(rounds=rounds)], *options)
    sandbox.expect("tick 1 ")
    return sandbox


def ticks(sandbox):
    """The numbers that it has printed, which must be whole and in order."""
    lines = sandbox.lines()
    if lines and not sandbox.output.endswith(b"\n"):
        lines.pop()
    numbers = []
    for line in lines:
        match = re.fullmatch(r"tick (\d+) (\d+)", line)
        check(match and int(match[2]) == SIZE, f"it says {line!r}")
        numbers.append(int(match[1]))
    check(numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True,
          "a tick is missing or out of order")
    return numbers


def goes_on(sandbox):
    """Fails unless it counts on from here."""
    last = ticks(sandbox)[-1]
    sandbox.expect(f"tick {last + 3} ")


def image_is_whole(case, image):
    """Fails unless what is restored from it counts on."""
    restored = case.restore(image)
    restored.expect("tick ", 5)
    first = ticks(restored)[0]
    restored.stop()
    return first
