# SPDX-License-Identifier: Apache-2.0
# Jobs in the background, waited for in several ways.
job() {
    sleep 0.$1
    echo "job $1" >> done-$1
    return $1
}
job 3 & first=$!
job 1 & second=$!
job 2 & third=$!
wait $second; echo "second: $?"
wait $first; echo "first: $?"
wait $third; echo "third: $?"
cat done-1 done-2 done-3
for i in 1 2 3 4 5 6; do
    (sleep 0.1; seq 1 100 | wc -l > count-$i) &
done
wait
cat count-*
wait 999999
echo "no such job: $?"
sleep 5 & pid=$!
kill $pid
wait $pid
echo "killed: $?"
