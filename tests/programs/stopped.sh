# SPDX-License-Identifier: Apache-2.0
# A job that is stopped and continued. Its file is empty for the moment between open and write.
counter() {
    i=0
    while :; do
        i=$((i + 1))
        echo $i > count
        sleep 0.02
    done
}
counter & pid=$!
sleep 0.2
kill -STOP $pid
sleep 0.1
a=$(cat count)
sleep 0.3
b=$(cat count)
[ "$a" = "$b" ] && echo "it stands still"
kill -CONT $pid
sleep 0.3
c=
while [ -z "$c" ]; do
    c=$(cat count)
done
[ "$c" -gt "${b:-0}" ] && echo "it goes on"
kill -STOP $pid
sleep 0.1
kill -TERM $pid
sleep 0.1
kill -0 $pid && echo "still there"
kill -CONT $pid
wait $pid
echo "status $?"
