#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All tests in their full forms: a checkpoint at every system call, many random instants, long
# fuzzing, all mutants. Hours. What has passed for this commit is not run again, so that it can be
# interrupted at any time; --again starts from the beginning.
set -u

cd "$(dirname "$0")/.."
commit=$(git rev-parse HEAD 2>/dev/null || echo none)
state=build/full/$commit
[ "${1:-}" = --again ] && rm -rf "$state"
mkdir -p "$state"
failed=""

# stage NAME COMMAND…
stage()
{
    name=$1
    shift
    [ -e "$state/$name.passed" ] && return 0
    echo "== $name"
    if "$@" > "$state/$name.log" 2>&1; then
        tail -n 2 "$state/$name.log"
        : > "$state/$name.passed"
    else
        tail -n 30 "$state/$name.log"
        echo "== $name FAILED: $state/$name.log"
        failed="$failed $name"
    fi
}

build()
{
    cmake --preset "$1" && cmake --build --preset "$1"
}

# guest PRESET OPTION…
guest()
{
    preset=$1
    shift
    tests/guest/run.py --programs "build/$preset/tests/guest" --bin "build/$preset/bin" sbx \
        --platform ptrace "$@"
}

# programs PRESET OPTION…
programs()
{
    preset=$1
    shift
    tests/programs/run.py --bin "build/$preset/bin" sbx --platform ptrace "$@"
}

for preset in release asan tsan; do
    stage "build-$preset" build "$preset"
    stage "quick-$preset" ctest --preset "$preset"
done
stage guest-every guest release --checkpoint every --timeout 1800
stage guest-every-asan guest asan --checkpoint every --timeout 3600
stage guest-every-eager guest release --checkpoint every --eager --timeout 1800
for seed in 1 2 3 4 5 6 7 8; do
    stage "guest-tenth-$seed" guest release --checkpoint seeded-tenth --seed "$seed"
    stage "guest-instants-$seed" guest release --random-instants 25 --at-least 25 --seed "$seed"
    stage "guest-instants-eager-$seed" guest release --random-instants 25 --at-least 25 --eager --seed "$seed"
    stage "programs-instants-$seed" programs release --random-instants 5 --seed "$seed"
done
stage programs-instants-asan programs asan --random-instants 5 --timeout 1200
stage programs-tenth programs release --checkpoint seeded-tenth --timeout 3600
for preset in release asan tsan; do
    stage "kill-random-$preset" tests/faults/kill_random.py --bin "build/$preset/bin" --count 200
done
stage many tests/faults/many.py --bin build/release/bin --count 1000
stage fuzz-load build/asan/bin/fuzz_load 300000
stage mutants cmake --build --preset release --target mutants
stage bench bench/run.py --bin build/release/bin --programs build/release/bench

if [ -n "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
echo "all tests passed in their full forms"
