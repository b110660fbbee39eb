# SPDX-License-Identifier: Apache-2.0
# bash: functions, arrays, recursion, arithmetic, subshells, getopts, printf, eval.
fib() { (($1 < 2)) && { echo "$1"; return; }; echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); }
echo "fib 9: $(fib 9)"
declare -A colour=([red]=1 [green]=2 [blue]=3)
for name in $(printf '%s\n' "${!colour[@]}" | sort); do echo "$name=${colour[$name]}"; done
list=({1..10}); echo "${list[@]:2:3} ${#list[@]} ${list[-1]}"
text="the quick brown fox"
echo "${text/quick/slow} ${text#* } ${text%% *} ${text:4:5} ${text^} ${#text}"
options() { local OPTIND; while getopts ab:c o; do echo "option $o ${OPTARG-}"; done; shift $((OPTIND - 1)); echo "rest $*"; }
options -a -b value -c x y
collatz() { local n=$1 steps=0; while ((n != 1)); do ((n = n % 2 ? 3 * n + 1 : n / 2, steps++)); done; echo $steps; }
for n in 27 97 871; do echo "collatz $n: $(collatz $n)"; done
printf '%05d|%-8s|%x|%q\n' 42 left 255 "a b'c"
eval 'for w in one two; do echo "eval $w"; done'
[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[2]}-${BASH_REMATCH[1]}"
case foobar in foo*) echo prefix ;;& *bar) echo suffix ;; esac
(cd /usr && umask 077 && pwd && umask); umask
select_sum=0; for ((i = 0; i < 30000; i++)); do ((select_sum += i % 7)); done; echo $select_sum
local_test() { local -n ref=$1; ref=changed; }; variable=before; local_test variable; echo $variable
exec 5>&1; echo "to five" >&5; exec 5>&-
echo "$(< /etc/debian_version)" | grep -c .
coproc BC { while read -r a b; do echo $((a * b)); done; }
for pair in "6 7" "12 12"; do echo "$pair" >&"${BC[1]}"; read -r result <&"${BC[0]}"; echo "coproc: $result"; done
pid=$BC_PID
eval "exec ${BC[1]}>&-"
wait "$pid"; echo "coproc ended $?"
