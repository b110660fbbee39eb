# SPDX-License-Identifier: Apache-2.0
# Redirections and descriptors.
echo out > file
echo more >> file
echo error >&2 2> /dev/null
cat < file
{ echo to stdout; echo to stderr >&2; } 2>&1 | sort
{ echo only stderr >&2; echo vanishes; } 2>&1 > /dev/null
exec 5>&1
exec > captured
echo "into the file"
sleep 0.2
echo "and again"
exec >&5 5>&-
cat captured
set -C
(echo x > file) 2> /dev/null || echo "kept"
echo y >| file
cat file
set +C
exec 6<> both
echo "written by six" >&6
cat both
exec 6>&-
echo closed >&6 2> /dev/null
echo "status $?"
sleep 0.3
: > empty
wc -c < empty
for fd in 7 8 9; do
    eval "exec $fd> out-$fd"
    eval "echo number $fd >&$fd"
done
cat out-7 out-8 out-9
cat < none 2> /dev/null || echo "no such file"
ls /proc/self/fd/0 > /dev/null && echo "standard input is there"
