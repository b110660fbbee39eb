# SPDX-License-Identifier: Apache-2.0
# find, xargs (also in parallel) and locate's kin on the system's own files and on a tree of ours.
mkdir -p tree/a/b tree/c
echo "line 1" > tree/a/f1; sleep 0.05
for n in 2 3 4 5 6 7 8 9; do echo "line $n" > tree/a/f$n; echo "x$n" > "tree/c/with space $n"; done
find tree -type f | sort | head -n 4
find tree -type f -print0 | xargs -0 -n 3 grep -l 'x[1-5]' | sort
find tree -name 'f*' -newer tree/a/f1 -o -empty | wc -l
find tree -type f -exec wc -c {} + | tail -n 1
find tree -name '*9' -exec sh -c 'echo "$1" | tr a-z A-Z' sh {} \; | sort
find /usr/share/doc -maxdepth 1 | wc -l > /dev/null
find /usr/share/common-licenses -type f | sort | xargs -P 2 -n 2 grep -c the | sort
find /usr/bin -maxdepth 1 -type f -perm -4000 | wc -l > /dev/null
seq 1 30 | xargs -P 4 -I{} sh -c 'sleep 0.03; echo {}' | sort -n | tail -n 2
find tree -depth -delete; ls | wc -l
