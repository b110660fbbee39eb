# SPDX-License-Identifier: Apache-2.0
# Programs that are scripts, found by PATH.
mkdir bin
cat > bin/greet << 'END'
#!/bin/sh
echo "$0: $# arguments: $*" | sed 's,^.*/,,'
exit $#
END
cat > bin/upper << 'END'
#!/usr/bin/env sh
tr a-z A-Z
END
printf 'echo no interpreter line\n' > bin/plain
chmod +x bin/greet bin/upper bin/plain
PATH=$PWD/bin:$PATH
greet a b c
echo "status $?"
./bin/greet
echo shout | upper
plain
sleep 0.3
command -v greet | sed 's,^.*/,,'
nosuchprogram 2> /dev/null
echo "status $?"
chmod -x bin/greet
hash -r
greet 2> /dev/null
echo "status $?"
env -i A=1 B=2 sh -c 'echo $A $B $C'
A=temporary sh -c 'echo $A'
echo "[$A]"
. ./bin/plain
eval 'echo evaluated; false'
echo "status $?"
sleep 0.3
find bin -type f | sort
grep -c echo bin/greet bin/plain
echo 'a b
c d' | awk '{ n += NF; print $2 } END { print n }'
exit 0
