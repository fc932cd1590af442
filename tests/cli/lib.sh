# SPDX-License-Identifier: MIT
#
# For the tests of the command line: `. tests/cli/lib.sh` at their start, `finish` at their end.
# Each check is one result in the Test Anything Protocol.

set -u
OUT=${OUT:-out}
INGOT=${INGOT:-$OUT/ingot}
GOLDEN=$OUT/tests/golden
work=$(mktemp -d "${TMPDIR:-/tmp}/ingot-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
count=0

# result STATUS NAME: 0 is a pass.
result() {
        count=$((count + 1))
        if [ "$1" -eq 0 ]; then
                echo "ok $count - $2"
        else
                echo "not ok $count - $2"
        fi
}

skip() {
        count=$((count + 1))
        echo "ok $count - $1 # SKIP $2"
}

finish() {
        echo "1..$count"
}

# Runs ingot: leaves $status, $stdout and $stderr.
ingot() {
        "$INGOT" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
        status=$?
        stdout=$(cat "$work/stdout")
        stderr=$(cat "$work/stderr")
}

# expect CODE TEXT NAME ARGUMENT...: ingot ends with CODE, and TEXT is part of what it says: on
# standard error if CODE is not 0, where every line begins with "ingot" or "Try".
expect() {
        local code=$1 text=$2 name=$3 said
        shift 3
        ingot "$@"
        said=$stdout
        [ "$code" -ne 0 ] && said=$stderr
        if [ "$status" -ne "$code" ]; then
                echo "# exit code $status instead of $code: ingot $*"
                printf '%s\n' "$stdout" "$stderr" | sed 's/^/# /'
                result 1 "$name"
        elif [[ $said != *"$text"* ]]; then
                echo "# does not say '$text': ingot $*"
                printf '%s\n' "$said" | sed 's/^/# /'
                result 1 "$name"
        elif [ "$code" -ne 0 ] && grep -qv -e '^ingot' -e '^Try ' "$work/stderr"; then
                printf '%s\n' "$stderr" | sed 's/^/# /'
                result 1 "$name"
        else
                result 0 "$name"
        fi
}

# same A B NAME: equal files.
same() {
        cmp "$1" "$2" | sed 's/^/# /'
        [ "${PIPESTATUS[0]}" -eq 0 ]
        result $? "$3"
}

# A multi-image of the three small kernels.
pack_three() {
        "$INGOT" pack -q -o "$1" --for size "${@:2}" \
                native="$GOLDEN/bzimage64-0",vmlinux="$GOLDEN/vmlinux64-0" \
                kvm="$GOLDEN/bzimage64-1",vmlinux="$GOLDEN/vmlinux64-1" \
                xen="$GOLDEN/bzimage64-2",vmlinux="$GOLDEN/vmlinux64-2"
}

# byte FILE OFFSET: its value.
byte() {
        od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' '
}

# poke FILE OFFSET VALUE: sets one byte.
poke() {
        printf "\\x$(printf %x "$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# flip FILE OFFSET [MASK]: flips bits of one byte.
flip() {
        poke "$1" "$2" $(($(byte "$1" "$2") ^ ${3:-1}))
}
