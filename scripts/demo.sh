#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds sbx and shows its main job: a shell loop is run, saved while it goes on, saved and stopped,
# looked at, and continued in a new process exactly where it was.
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
    for tool in cmake ninja protoc-c pkg-config python3; do
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
loop='n=0; while :; do n=$((n+1)); echo tick $n | cat >> log; tail -n1 log; sleep 0.2; done'

say 'A shell loop with pipes and children, in a sandbox (its output goes to the file first)'
printf "$ sbx run --name demo -- dash -c '%s' > first &\n" "$loop"
sbx run --name demo -- dash -c "$loop" >first 2>errors &
first=$!
wait_for first 'tick 5'
show cat first
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
show sbx-inspect maps img 1

last=$(tail -n 1 first)
next=$((${last#tick } + 1))
say "Restored in a new process: it goes on after \"$last\""
printf '$ sbx-restore --image-path img > second &\n'
sbx-restore --image-path img >second 2>errors &
wait_for second "tick $((next + 3))"
show cat second
[ "$(head -n 1 second)" = "tick $next" ] || { echo "demo: it did not go on with tick $next" >&2; exit 1; }

say 'And ended'
show sbx kill demo KILL
wait $! || true
echo 'The loop went on exactly where it was.'
