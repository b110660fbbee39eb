#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C file of the tree is as clang-format leaves it.
set -eu
cd "$(dirname "$0")/../.."
if ! command -v clang-format > /dev/null; then
    echo "clang-format is not installed"
    exit 1
fi
if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
    files=$(git ls-files '*.c' '*.h')
else
    files=$(find core platform snapshot vfs netstack tools tests bench -name '*.[ch]' 2> /dev/null)
fi
# shellcheck disable=SC2086
wrong=$(clang-format --dry-run -Werror $files 2>&1 | sed -n 's/^\([^:]*\):[0-9:]* error:.*/\1/p' | sort -u)
[ -z "$wrong" ] && exit 0
echo "not as clang-format leaves them:"
echo "$wrong"
exit 1
