# SPDX-License-Identifier: Apache-2.0
# A counter that is kept in a file.
n=0
while [ $n -lt 8 ]; do
    n=$((n + 1))
    echo tick $n | cat >> log
    tail -n1 log
    sleep 0.1
done
wc -l < log
exit 7
