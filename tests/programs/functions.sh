# SPDX-License-Identifier: Apache-2.0
# Functions, recursion, case, getopts.
fib() {
    if [ "$1" -lt 2 ]; then
        echo "$1"
    else
        echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2)))))
    fi
}
for i in 1 2 3 4 5 6 7; do
    echo "fib $i = $(fib $i)"
done
kind() {
    case $1 in
    *.c | *.h) echo source ;;
    [0-9]*) echo number ;;
    "") echo empty ;;
    *) echo other ;;
    esac
}
for word in main.c x.h 42 "" text; do kind "$word"; done
options() {
    OPTIND=1
    while getopts ab:c: letter; do
        case $letter in
        a) echo "a" ;;
        b | c) echo "$letter with $OPTARG" ;;
        *) echo "unknown" ;;
        esac
    done
    shift $((OPTIND - 1))
    echo "rest: $*"
}
options -a -b value -cx one two 2> /dev/null
options -z 2> /dev/null
scope() {
    local variable=inner
    echo "$variable"
}
variable=outer
scope
echo $variable
sleep 0.3
countdown() {
    [ "$1" -eq 0 ] && return 42
    countdown $(($1 - 1))
}
countdown 100
echo "returned $?"
