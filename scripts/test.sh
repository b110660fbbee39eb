#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds sbx and runs all tests: everything with the release build, then the unit and guest tests with
# AddressSanitizer and UBSan, then with ThreadSanitizer. Long suites run in their quick forms;
# tests/full.sh has the full ones.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"

has_dependencies()
{
    for tool in cmake ninja protoc-c pkg-config python3 clang clang-format gawk bzip2 xz zstd perl sqlite3 git \
        node javac; do
        command -v "$tool" >/dev/null || return 1
    done
    pkg-config --exists libseccomp libprotobuf-c libzstd libxxhash json-c libbsd cmocka &&
        [ -e /usr/include/uthash.h ] && [ -e /usr/lib/python3.11/test/test_os.py ]
}

# build PRESET
build()
{
    echo "== build: $1"
    cmake --preset "$1" >/dev/null
    cmake --build --preset "$1" -- --quiet
}

# run PRESET [CTEST OPTION]…
run()
{
    echo "== test: $1"
    ctest --preset "$@"
}

has_dependencies || "$here/scripts/install-dependencies.sh"

build release
run release
build asan
run asan -R '^(unit|fuzz|guest\.ptrace|programs\.ptrace)'
build tsan
run tsan -R '^(unit|guest\.ptrace)'
echo "all tests passed"
