# SPDX-License-Identifier: Apache-2.0
# Files and directories, by coreutils.
umask 022
mkdir -p a/b/c d
echo one > a/one
cp a/one a/b/two
cp -r a copy
ln -s ../one a/b/link
ln a/one hard
mv a/b/two d/three
sleep 0.2
ls -R a copy d
cat a/b/link hard d/three
echo more >> hard
cat a/one
readlink a/b/link
chmod 600 d/three
ls -l d/three | cut -c1-10
rm a/one
cat hard
rm -r copy
ls
sleep 0.2
rmdir d 2> /dev/null || echo "d is not empty"
rm -rf a d
touch new
test -s new || echo "new is empty"
test -f hard -a ! -d hard && echo "hard is a file"
for i in $(seq 1 30); do echo "$i" > "file $i"; done
ls | wc -l
rm file*
sleep 0.2
ls
cp /etc/debian_version version && test -s version && echo copied
cat /no/such/file 2> /dev/null
echo "status $?"
pwd | tail -c 5
cd / && ls -d usr
