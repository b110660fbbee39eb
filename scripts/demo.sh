#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds sbx and shows its main job: a python program with a thread, a child, pipes, a file and a timer is
# run, saved while it goes on, saved and stopped, looked at, and continued in a new process exactly where it
# was. Then a bash pipeline, find | xargs grep and a run of gcc are each stopped half-way and continued.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
bin=$here/build/release/bin
work=$(mktemp -d)
export SBX_ROOT="$work/state"

say()
{
    printf '\n\033[1m== %s\033[0m\n' "$1"
}

# show COMMAND…: prints it, then runs it.
show()
{
    printf '$'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

clean_up()
{
    "$bin/sbx" kill demo KILL 2>/dev/null || true
    wait
    rm -rf "$work"
}

has_dependencies()
{
    for tool in cmake ninja protoc-c pkg-config /usr/bin/python3 bash gcc find grep; do
        command -v "$tool" >/dev/null || return 1
    done
    pkg-config --exists libprotobuf-c libzstd libxxhash json-c libbsd libseccomp cmocka
}

install_and_build()
{
    if ! has_dependencies; then
        say 'Installing what the build needs'
        sh "$here/scripts/install-dependencies.sh"
    fi
    say 'Building'
    cmake --preset release -S "$here" >/dev/null
    cmake --build "$here/build/release" --target sbx sbx-kernel sbx-checkpoint sbx-restore sbx-inspect |
        tail -n 1
}

# wait_for FILE LINE: until the line is in the file.
wait_for()
{
    tries=0
    until grep -qx "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "demo: \"$2\" did not come" >&2; exit 1; }
        sleep 0.1
    done
}

install_and_build
trap clean_up EXIT
cd "$work"
PATH=$bin:$PATH

say 'A python program in a sandbox: thread, child, pipes, file, timer (its output goes to the file first)'
printf '$ sbx run --name demo -- /usr/bin/python3 worker.py > first &\n'
sbx run --name demo -- /usr/bin/python3 "$here/scripts/worker.py" >first 2>errors &
first=$!
wait_for first 'tick 5'
show tail -n 2 first
show sbx list

say 'Saved while it goes on: it stops for a moment only'
show sbx-checkpoint --image-path img --leave-running --stats demo
wait_for first 'tick 10'
show tail -n 2 first

say 'Saved and stopped'
show sbx-checkpoint --image-path img demo
wait $first
show cat errors
show tail -n 1 first
show ls -l img

say 'What is in the image'
show sbx-inspect ps img
show sbx-inspect fds img 1

last=$(tail -n 1 first)
next=$((${last#tick } + 1))
say "Restored in a new process: it goes on after \"$last\""
printf '$ sbx-restore --image-path img > second &\n'
sbx-restore --image-path img >second 2>errors &
wait_for second "tick $((next + 3))"
show cat second
[ "$(head -n 1 second)" = "tick $next" ] || { echo "demo: it did not go on with tick $next" >&2; exit 1; }
show sbx kill demo KILL
wait $! || true

# half_way COMMAND…: the command natively, then in a sandbox that is saved after half that time and
# restored; what both print must be the same.
half_way()
{
    begin=$(date +%s%N)
    "$@" >expected
    half=$((($(date +%s%N) - begin) / 2))
    printf '$ sbx run --name demo -- %s > found &\n' "$*"
    sbx run --name demo -- "$@" >found 2>errors &
    run=$!
    sleep "$((half / 1000000000)).$(printf %09d $((half % 1000000000)))"
    show sbx-checkpoint --image-path img demo
    wait $run
    printf '$ sbx-restore --image-path img >> found\n'
    sbx-restore --image-path img >>found
    cmp expected found || { echo "demo: the output differs" >&2; exit 1; }
    printf 'the same %s lines as on the host\n' "$(wc -l <found)"
}

say 'A bash pipeline, stopped half-way and continued'
half_way bash -c 'for n in {1..40}; do echo $((n * n)); sleep 0.04; done | grep -v 7 | while read -r x; do echo "<$x>"; done | sort -n'

say 'find | xargs grep'
half_way sh -c 'find /usr/share /usr/include -type f -size -64k | sort | head -n 4000 | xargs -n 20 grep -c the | tail -n 500'

say 'A run of gcc'
seq 1 400 | sed 's/.*/int f&(int *a, int n) { int s = &; for (int i = 0; i < n; i++) s += a[i] * s; return s; }/' >large.c
half_way gcc -O2 -S -o - large.c
echo
echo 'Each went on exactly where it was.'
