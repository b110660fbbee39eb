#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damaged images: truncated, flipped, foreign, incomplete. sbx-restore and sbx-inspect say what is
wrong and start nothing; what cannot be noticed must do no harm. All memory is read at once here; of
damage that is met later is tests/walks/lazy.py."""
import json
import os
import random
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import counter
from sandbox import check, main

FLIPS = 25


def make_image(case):
    image = case.path("good")
    sandbox = counter.start(case, 40)
    sandbox.checkpoint(image)
    return image


def files_of(image):
    return sorted(os.listdir(image))


def copy(case, image):
    damaged = case.path("damaged")
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(image, damaged)
    return damaged


def restore(case, image):
    """None if it was refused as it should be, else the output of what ran to its end."""
    name = case.tools.next_name("damaged")
    answer = case.tool("sbx-restore", "--eager", "--image-path", image, "--name", name)
    text = answer.stderr.strip()
    if answer.returncode == 0:
        return answer.stdout
    check(answer.returncode == 125, f"exit code {answer.returncode}: {text!r}")
    check(text != "", "no word of explanation")
    for line in text.splitlines():
        check(line.startswith("sbx-restore: "), f"it says {line!r}")
    check("killed by signal" not in text and "without a word" not in text, f"a crash: {text!r}")
    return None


def must_refuse(case, image, what):
    output = restore(case, image)
    check(output is None, f"{what}: restored, and it printed {output!r}")
    inspected = case.tool("sbx-inspect", "show", image)
    check(inspected.returncode in (0, 1, 2, 125), f"{what}: sbx-inspect ends with "
          f"{inspected.returncode}")


def rewrite(path, change):
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content = change(content)
    with open(path, "wb") as file:
        file.write(content)


def test_truncated(case):
    image, seeded, count = make_image(case), random.Random(1), 0
    for name in files_of(image):
        content = open(os.path.join(image, name), "rb").read().rstrip() # a last newline is no loss
        size = len(content)
        for new in sorted({0, 1, size // 3, size - 1, seeded.randrange(size)}):
            damaged = copy(case, image)
            rewrite(os.path.join(damaged, name), lambda content: content[:new])
            must_refuse(case, damaged, f"{name} cut to {new} of {size} bytes")
            count += 1
    return f"{count} times"


def test_longer(case):
    image = make_image(case)
    for name in files_of(image):
        damaged = copy(case, image)
        rewrite(os.path.join(damaged, name), lambda content: content + b"\n{}")
        must_refuse(case, damaged, f"{name} with three bytes more")


def test_flipped(case):
    image, seeded = make_image(case), random.Random(2)
    good = case.tool("sbx-restore", "--image-path", image, "--name", case.tools.next_name("good"))
    check(good.returncode == 0 and "tick 40 " in good.stdout, f"the good one: {good.stderr}")
    refused = harmless = 0
    for name in files_of(image):
        size = os.path.getsize(os.path.join(image, name))
        for _ in range(FLIPS):
            at, bit = seeded.randrange(size), 1 << seeded.randrange(8)
            damaged = copy(case, image)

            def flip(content):
                content[at] ^= bit
                return content

            rewrite(os.path.join(damaged, name), flip)
            output = restore(case, damaged)
            refused += output is None
            harmless += output is not None
            check(output in (None, good.stdout), f"{name}: bit {bit} of byte {at}: another output")
            check(output is None or name == "manifest.json",
                  f"{name}: bit {bit} of byte {at} was not noticed")
    return f"{refused} refused, {harmless} harmless"


def test_missing(case):
    image = make_image(case)
    for name in files_of(image):
        damaged = copy(case, image)
        os.unlink(os.path.join(damaged, name))
        must_refuse(case, damaged, f"without {name}")


def test_mixed(case):
    """Files of two images of the same program."""
    image = make_image(case)
    os.rename(image, case.path("other"))
    image = make_image(case)
    for name in files_of(image):
        damaged = copy(case, image)
        shutil.copy(case.path("other/" + name), os.path.join(damaged, name))
        must_refuse(case, damaged, f"{name} of another image")


def test_foreign(case):
    image = make_image(case)
    empty = case.path("empty")
    os.mkdir(empty)
    must_refuse(case, empty, "an empty directory")
    must_refuse(case, "/etc", "a directory that is no image")
    must_refuse(case, "/etc/passwd", "a file")
    must_refuse(case, case.path("none"), "nothing")
    manifest = json.load(open(os.path.join(image, "manifest.json")))
    damaged = copy(case, image)
    for text in ("", "{", "[]", "null", "{}", "x" * 100, json.dumps(manifest)[:-5],
                 "[" * 100000, '{"format": 1e999}'):
        rewrite(os.path.join(damaged, "manifest.json"), lambda _, text=text: text.encode())
        must_refuse(case, damaged, f"manifest {text[:20]!r}")


def changes_of(manifest):
    """The manifest with one number, string or list changed to something wild."""
    for key, value in manifest.items():
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            for wild in (-1, 0, value + 1, 1 << 40, (1 << 64) - 1):
                if wild != value:
                    yield key, dict(manifest, **{key: wild})
        elif isinstance(value, str):
            for wild in ("", value + "x", "../../etc", "\u0000", "x" * 5000):
                yield key, dict(manifest, **{key: wild})
        elif isinstance(value, list):
            yield key, dict(manifest, **{key: []})
            yield key, dict(manifest, **{key: value + value})
        elif isinstance(value, dict):
            yield key, {other: manifest[other] for other in manifest if other != key}
            for _, inner in changes_of(value):
                yield key, dict(manifest, **{key: inner})


def test_wild_manifest(case):
    """It may be refused or restored with what it says; it must not crash."""
    image = make_image(case)
    manifest = json.load(open(os.path.join(image, "manifest.json")))
    damaged, refused, count = copy(case, image), 0, 0
    for key, changed in changes_of(manifest):
        rewrite(os.path.join(damaged, "manifest.json"),
                lambda _, changed=changed: json.dumps(changed).encode())
        refused += restore(case, damaged) is None
        count += 1
    return f"{refused} of {count} refused"


def test_image_place(case):
    """A place that is taken by something else is left alone."""
    sandbox = counter.start(case)
    os.mkdir(case.path("full"))
    with open(case.path("full/precious"), "w") as file:
        file.write("data")
    with open(case.path("file"), "w") as file:
        file.write("data")
    for place in ("full", "file", "none/image"):
        answer = sandbox.try_checkpoint(case.path(place))
        check(answer.returncode == 125 and answer.stderr.startswith("sbx-checkpoint: "),
              f"{place}: {answer.returncode} {answer.stderr!r}")
        counter.goes_on(sandbox)
    check(open(case.path("full/precious")).read() == open(case.path("file")).read() == "data",
          "something was overwritten")
    check(sorted(os.listdir(case.place.top)) == ["cwd", "file", "full"],
          f"left: {os.listdir(case.place.top)}")
    sandbox.stop()


if __name__ == "__main__":
    main(sys.modules[__name__])
