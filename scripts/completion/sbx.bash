# SPDX-License-Identifier: Apache-2.0
# Completion of sbx, sbx-checkpoint, sbx-restore and sbx-inspect for bash. Verbs, options and their
# values are what --help says, so this file knows none of them; sandboxes are what sbx list says.

# The verbs of sbx.
_sbx_verbs() {
    "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

# The options that the command ($@) has, long and short.
_sbx_options() {
    "$@" --help 2>/dev/null |
        sed -n -e 'h; s/^ *\(-[A-Za-z]\), .*/\1/p' -e 'g; s/^ *\(-[A-Za-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p'
}

# The value of option $1 as the help of the command ($@ behind it) names it; nothing: it has none.
_sbx_value() {
    local option=$1
    shift
    "$@" --help 2>/dev/null | sed -n "s/^ *\(-[A-Za-z], \)\{0,1\}$option \([^ ][^ ]*\).*/\2/p"
}

# Names of sandboxes, in the state directory that the command line names.
_sbx_names() {
    local tool=$1 i root=()
    for ((i = 1; i < COMP_CWORD - 1; i++)); do
        [[ ${COMP_WORDS[i]} == --root ]] && root=(--root "${COMP_WORDS[i + 1]}")
    done
    "$tool" list "${root[@]}" 2>/dev/null | sed -n '2,$s/ .*//p'
}

# Completes a value named $1 to COMPREPLY; false: nothing is known of it.
_sbx_complete_value() {
    local value=$1 current=$2
    case $value in
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    SRC:DST*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    LEVEL) mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$current") ;;
    *'|'*)
        value=${value//'[:LEVEL]'/}
        mapfile -t COMPREPLY < <(compgen -W "${value//|/ }" -- "$current")
        ;;
    *) return 1 ;;
    esac
}

# The words before the current one that are no options and no values of any, behind the command.
_sbx_operands() {
    local i word value=""
    for ((i = $1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $value ]]; then
            value=""
        elif [[ $word == --?* ]]; then
            value=$(_sbx_value "$word" "${@:2}")
        elif [[ $word != -* ]]; then
            printf '%s\n' "$word"
        fi
    done
}

# Operands: $1 the verb, $2 the current word, the rest is as for _sbx_operands.
_sbx_complete_operand() {
    local verb=$1 current=$2 operands
    mapfile -t operands < <(_sbx_operands "${@:3}")
    case $verb:${#operands[@]} in
    state:0 | kill:0 | pause:0 | resume:0 | checkpoint:0)
        mapfile -t COMPREPLY < <(compgen -W "$(_sbx_names "${4%-*}")" -- "$current")
        ;;
    kill:1) mapfile -t COMPREPLY < <(compgen -A signal -- "$current") ;;
    inspect:0)
        mapfile -t COMPREPLY < <(compgen -W "show ps mounts files verify maps fds mem" -- "$current")
        ;;
    inspect:1) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    run:*) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
    esac
}

_sbx() {
    local tool=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} verb first=1 command value
    COMPREPLY=()
    command=("$tool")
    verb=${tool##*/}
    verb=${verb#sbx-}
    if [[ $verb == sbx ]]; then
        if ((COMP_CWORD == 1)); then
            mapfile -t COMPREPLY < <(compgen -W "$(_sbx_verbs "$tool") --help" -- "$current")
            return
        fi
        verb=${COMP_WORDS[1]}
        command=("$tool" "$verb")
        first=2
    fi
    if ((COMP_CWORD > first)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == --?* ]]; then
        value=$(_sbx_value "${COMP_WORDS[COMP_CWORD - 1]}" "${command[@]}")
        if [[ -n $value ]]; then
            _sbx_complete_value "$value" "$current"
            return
        fi
    fi
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_sbx_options "${command[@]}")" -- "$current")
        return
    fi
    _sbx_complete_operand "$verb" "$current" "$first" "${command[@]}"
}

complete -o filenames -F _sbx sbx sbx-checkpoint sbx-restore sbx-inspect
