# SPDX-License-Identifier: MIT
#
# shellcheck shell=bash
# What the boot tests share: where things are, how a virtual machine is run
# and watched, how Debian packages are fetched.  Sourced by bash.
#
# A virtual machine is stopped as soon as its console shows that nothing new
# can come: the init's last line, a kernel's panic, or the stub's halt.

set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${OUT:-$root/out}
tools=$out/tests/boot       # init, vmm, initrd: built by tests/tests.mk
cache=$out/cache            # downloads, by name and version

# Slow hosts: every time limit is multiplied by this.
: "${BOOT_PATIENCE:=1}"

# The console's last words.  The stub's own lines begin with "ingot:"; those
# that end a boot say "halted".
end_lines='^(.*ingot-test: end|.*Kernel panic - not syncing|.*ingot: .*halted|.*end Kernel panic)'

# All platforms speak 115200 baud on the first serial port.
console_words='console=ttyS0,115200 panic=-1 no_timer_check printk.devkmsg=on'

skip() { echo "# SKIP $*"; exit 77; }
die() { echo "$*" >&2; exit 1; }

# make TARGET, with results in $out.
make_target() {
        if [ "$out" = "$root/out" ]; then
                make -s -C "$root" "$1" >&2
        else
                make -s -C "$root" OUT="$out" "$1" >&2
        fi
}

# The tools are compiled, and the initramfs packed, by make.
need_tools() {
        [ -s "$tools/initrd" ] && [ -x "$tools/vmm" ] && [ -x "$tools/host" ] ||
                make_target boot-tools || die "boot-tools: not built"
}

# The test hosts and their guests, in $hosts.  Several tests may ask at once.
need_hosts() {
        hosts=$out/tests/hosts
        mkdir -p "$hosts" &&
                (flock 9; make_target hosts) 9>"$hosts/.lock" || die "hosts: not built"
}

# need PROGRAM...: the test is skipped where one is missing.
need() {
        local p
        for p; do
                command -v "$p" >/dev/null || skip "$p is not installed"
        done
}

# candidate NAME: the version that apt would install; nothing if there is none.
candidate() {
        apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \([^(].*\)/\1/p'
}

# A fresh system has no lists of packages yet.
need_lists() { # NAME
        mkdir -p "$cache"
        [ -n "$(candidate "$1")" ] ||
                (flock 9; apt-get -qq update 2>/dev/null) 9>"$cache/.lock" >&2
}

# package NAME: fetches a Debian package once, unpacks it, prints the folder.
# Several tests may ask at once.
package() {
        local name=$1 version dir
        need_lists "$name"
        version=$(candidate "$name")
        [ -n "$version" ] || return 1
        dir=$cache/${name}_${version//:/%3a}
        (
                flock 9
                [ -d "$dir" ] && exit 0
                rm -rf "$dir.new" && mkdir -p "$dir.new/deb" || exit 1
                (cd "$dir.new/deb" && apt-get -qq download "$name" 2>/dev/null) &&
                        dpkg-deb -x "$dir.new"/deb/*.deb "$dir.new" &&
                        rm -r "$dir.new/deb" && mv "$dir.new" "$dir"
        ) 9>"$cache/.lock" >&2 || return 1
        echo "$dir"
}

# A package that depends on the newest kernel of its kind: prints that name.
newest_kernel() {
        need_lists "$1"
        apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -1
}

# run_qemu DIR SECONDS ARGS...: runs QEMU with its first serial port written
# to DIR/console until the console shows an end line (or the pattern $stop_at
# if that is set), QEMU ends by itself, or time is up.
# 0: ended; 1: time was up, which the console then says.
run_qemu() {
        local dir=$1 limit=$(($2 * BOOT_PATIENCE)) pid
        shift 2
        : >"$dir/console"
        printf '%q ' qemu-system-x86_64 "$@" >"$dir/command"
        qemu-system-x86_64 -display none -monitor none -no-reboot -nic none \
                -serial "file:$dir/console" "$@" </dev/null >"$dir/qemu" 2>&1 &
        pid=$!
        # shellcheck disable=SC2064
        trap "kill $pid 2>/dev/null" EXIT
        watch_console "$pid" "$dir/console" "$limit"
        local status=$?
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        trap - EXIT
        grep -v 'terminating on signal' "$dir/qemu" >&2
        return $status
}

# watch_console PID CONSOLE SECONDS
watch_console() {
        local pid=$1 file=$2 limit=$3 stop=${stop_at:-$end_lines}
        local until=$((SECONDS + limit))
        while kill -0 "$pid" 2>/dev/null; do
                if LC_ALL=C grep -qaE "$stop" "$file"; then
                        sleep 0.2 # the rest of the line
                        return 0
                fi
                if [ $SECONDS -ge $until ]; then
                        echo "boot-test: time limit of $limit s was reached" >>"$file"
                        return 1
                fi
                sleep 0.1
        done
        return 0
}

# Cleaned console text: no carriage returns, no terminal escapes.
console_text() {
        LC_ALL=C sed -e 's/\r//g' -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' -e 's/\x1bc//g' "$1"
}

# fact WORD CONSOLE: the value that the init printed; nothing if it did not.
fact() {
        console_text "$2" | sed -n "s/^.*ingot-test: $1 //p" | head -1
}

# The variant that a console shows, and why; "-" for a kernel that was not
# started by a stub.
variant_seen() {
        fact cmdline "$1" | tr ' ' '\n' | sed -n 's/^ingot\.variant=//p' | tail -1
}
reason_seen() {
        fact cmdline "$1" | tr ' ' '\n' | sed -n 's/^ingot\.reason=//p' | tail -1
}

# u32_at FILE OFFSET, u8_at FILE OFFSET: little-endian fields of a file.
u32_at() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }
u8_at() { od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' '; }

# payload_elf BZIMAGE ELF: writes the ELF inside a bzImage, as Xen unpacks it.
payload_elf() {
        local setup=$((($(u8_at "$1" 0x1f1) + 1) * 512)) offset size
        offset=$((setup + $(u32_at "$1" 0x248)))
        size=$(u32_at "$1" 0x24c)
        tail -c +$((offset + 1)) "$1" | head -c "$size" >"$2.payload"
        # All codecs but gzip are followed by the unpacked size.
        case $(od -An -tx1 -N 4 "$2.payload" | tr -d ' ') in
        1f8b*) gzip -dcq "$2.payload" >"$2" ;;
        fd377a58) head -c $((size - 4)) "$2.payload" | xz -dcq >"$2" ;;
        02214c18) head -c $((size - 4)) "$2.payload" | lz4 -dcq >"$2" ;;
        28b52ffd) head -c $((size - 4)) "$2.payload" | zstd -dcq >"$2" ;;
        *) return 1 ;;
        esac
        rm -f "$2.payload"
        [ "$(od -An -tx1 -N 4 "$2" | tr -d ' ')" = 7f454c46 ]
}

# ---- for the *.test scripts: TAP, and boots of one multi-image ----------

# The file under test; a script is skipped until it is built.
need_file() {
        file=${INGOT_FILE:-$out/linux/vmlinuz-ingot.deflate}
        [ -f "$file" ] || skip "${file#"$root"/} is not built"
        need qemu-system-x86_64
        need_tools
        scratch=$tools/$(basename "$0" .test)
        rm -rf "$scratch" && mkdir -p "$scratch" || die "$scratch can't be written"
}

tap_count=0
# result STATUS NAME [CONSOLE]: one TAP line; a console follows a failure.
result() {
        tap_count=$((tap_count + 1))
        if [ "$1" -eq 0 ]; then
                echo "ok $tap_count - $2"
        else
                echo "not ok $tap_count - $2"
                [ -z "${3:-}" ] || console_text "$3" | tail -n 25 | sed 's/^/# /'
        fi
}
tap_end() { echo "1..$tap_count"; }

# boot PLATFORM NAME [APPEND]: boots $file; the console is $scratch/NAME/console.
boot() {
        mkdir -p "$scratch/$2"
        "$root/tests/boot/platform/$1.sh" "$file" "$scratch/$2" "${3:-}" \
                >"$scratch/$2/recipe" 2>&1
}

# The stub's own lines of a console.
stub_says() { console_text "$1" | grep -a '^ingot: '; }

# The names of a multi-image's variants, one a line; nothing if it can't be read.
variants_of() {
        "$out/ingot" list "$1" 2>/dev/null |
                sed -n 's/^[* ] \([^ ]*\) *\(bzimage\|elf\|elf32\) .*/\1/p'
}
