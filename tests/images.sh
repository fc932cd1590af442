# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Small kernels made from source, for tests that need no virtual machine: ELF
# files and bzImages with all the parts that packer and reader look at, in some
# kilobytes.  They do not boot.  Sourced by bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${OUT:-$root/out}
: "${CC:=gcc}"

# tiny_kernel NAME ELF [FLAGS...]: a linked kernel with symbols, relocations and
# zero pages.  NAME picks one of several "backends" that share most functions.
tiny_kernel() {
        local name=$1 elf=$2
        shift 2
        $CC -std=gnu11 -O1 -ffreestanding -fno-stack-protector -fno-pic -fcf-protection=none \
                -mcmodel=kernel -mno-red-zone -fno-asynchronous-unwind-tables \
                -ffunction-sections -DBACKEND="\"$name\"" -DBACKEND_SIZE=${#name} "$@" \
                -nostdlib -static -no-pie -Wl,--emit-relocs,--build-id=sha1 \
                -Wl,-z,max-page-size=4096,-z,norelro -Wl,-T,"$root/tests/tiny-kernel.lds" \
                -o "$elf" "$root/tests/tiny-kernel.c"
}

# put FILE OFFSET BYTES: overwrites with bytes in printf's notation.
put() {
        # shellcheck disable=SC2059
        printf "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none
}

# le N VALUE: VALUE as N little-endian bytes in printf's notation.
le() {
        local i value=$(($2)) text=
        for ((i = 0; i < $1; i++)); do
                text+=$(printf '\\x%02x' $((value >> (8 * i) & 255)))
        done
        echo "$text"
}

# compress CODEC IN OUT: as the kernel's make does, unpacked size behind all but
# gzip; "store" is gzip that stores.
compress() {
        local size
        size=$(stat -c %s "$2")
        case $1 in
        store) "$out/gzip-store" <"$2" >"$3"; return ;;
        gzip) gzip -9nc "$2" >"$3"; return ;;
        xz) xz --check=crc32 --x86 --lzma2=dict=1MiB -c "$2" >"$3" ;;
        zstd) zstd -19 -q -c "$2" >"$3" ;;
        lz4) lz4 -l -q -c "$2" >"$3" ;;
        bzip2) bzip2 -c "$2" >"$3" ;;
        esac || return 1
        # shellcheck disable=SC2059
        printf "$(le 4 "$size")" >>"$3"
}

# bzimage PAYLOAD BZIMAGE [BOOT-CODE-BYTES]: two set-up sectors with a header of
# protocol 2.15, some bytes in the place of boot code, and the payload.
bzimage() {
        local payload=$1 image=$2 code=${3:-4096} size sectors=1
        size=$(stat -c %s "$payload")
        local system=$(((code + size + 15) / 16 * 16))
        head -c $(((sectors + 1) * 512)) /dev/zero >"$image"
        put "$image" 0x1f1 "$(le 1 $sectors)"
        put "$image" 0x1f4 "$(le 4 $((system / 16)))"
        put "$image" 0x1fe '\x55\xaa'
        put "$image" 0x200 '\xeb\x6a' # jump behind the header
        put "$image" 0x202 'HdrS\x0f\x02'
        put "$image" 0x211 '\x01'                 # loadflags: LOADED_HIGH
        put "$image" 0x214 "$(le 4 0x100000)"     # code32_start
        put "$image" 0x22c "$(le 4 0x7fffffff)"   # initrd_addr_max
        put "$image" 0x230 "$(le 4 0x200000)"     # kernel_alignment
        put "$image" 0x234 '\x01\x15\x01\x00'     # relocatable, 2 MiB, KERNEL_64
        put "$image" 0x238 "$(le 4 2047)"         # cmdline_size
        put "$image" 0x248 "$(le 4 "$code")"      # payload_offset
        put "$image" 0x24c "$(le 4 "$size")"      # payload_length
        put "$image" 0x258 "$(le 8 0x1000000)"    # pref_address
        put "$image" 0x260 "$(le 4 $((system + 0x400000)))" # init_size
        # "boot code": bytes that say where they are
        seq 0 "$code" | head -c "$code" >>"$image"
        cat "$payload" >>"$image"
        head -c $((system - code - size)) /dev/zero >>"$image"
}

# tiny_image NAME CODEC FOLDER [FLAGS...]: FOLDER/NAME (bzImage) and
# FOLDER/NAME.elf (linked).
tiny_image() {
        local name=$1 codec=$2 folder=$3
        shift 3
        tiny_kernel "$name" "$folder/$name.elf" "$@" || return 1
        objcopy -S "$folder/$name.elf" "$folder/$name.stripped" || return 1
        compress "$codec" "$folder/$name.stripped" "$folder/$name.payload" || return 1
        bzimage "$folder/$name.payload" "$folder/$name"
        rm -f "$folder/$name.stripped" "$folder/$name.payload"
}
