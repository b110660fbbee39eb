#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing sbx needs, from Debian 12's own packages. Run as root.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
    gcc clang clang-format libclang-rt-14-dev libc6-dev make cmake ninja-build pkg-config python3 \
    protobuf-c-compiler protobuf-compiler libprotobuf-c-dev libzstd-dev libxxhash-dev libjson-c-dev \
    libbsd-dev uthash-dev liburing-dev libseccomp-dev libcmocka-dev \
    bash dash coreutils grep sed gawk findutils diffutils procps util-linux tar gzip bzip2 xz-utils zstd \
    groff-base perl libpython3.11-testsuite sqlite3 git nodejs openjdk-17-jdk-headless
