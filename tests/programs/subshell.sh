# SPDX-License-Identifier: Apache-2.0
# Subshells: their variables, directories and exit codes are their own.
x=1
(x=2; cd /; echo "inside $x $(pwd)")
echo "outside $x"
(exit 5)
echo "status $?"
(set -e; false; echo never)
echo "set -e: $?"
( (exit 3) || (exit 4) )
echo "or: $?"
{ echo grouped; sleep 0.2; x=3; }
echo "x is $x"
n=0
seq 1 5 | while read -r i; do n=$((n + i)); done
echo "n stays $n"
for depth in 1 2 3 4 5; do
    (
        export LEVEL=$depth
        sh -c 'echo "level $LEVEL in a new shell"; (sleep 0.1; exit $LEVEL)'
        echo "it said $?"
    )
done
exec 3> collected
(echo to three >&3)
exec 3>&-
cat collected
(kill -KILL $(sh -c 'echo $PPID'))
echo "killed itself: $?"
exec sh -c 'echo replaced; exit 11'
