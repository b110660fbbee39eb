# SPDX-License-Identifier: Apache-2.0
# Files that are open but have no name any more.
seq 1 10 > file
exec 3< file 4>> file
rm file
ls
echo eleven >&4
read -r line <&3
echo "$line"
sleep 0.3
seq 101 103 > file
read -r line <&3
echo "$line"
cat <&3 | tail -n 2
cat file
mkdir dir
cd dir
rmdir ../dir
pwd > /dev/null
sleep 0.2
ls
cd ..
exec 3<&- 4>&-
ls
mkfifo fifo
test -p fifo && echo "a fifo"
rm fifo
