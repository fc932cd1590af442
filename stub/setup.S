/* SPDX-License-Identifier: MIT */
/*
 * The real-mode set-up of a multi-image: the boot sector, the Linux set-up
 * header, and the few steps from the loader's real mode to the head's
 * real-mode entry.  (The way back to real mode is handoff-real.S: by then the
 * variant's own set-up stands where this one was.)
 *
 * Offsets are those of the file and, at run time, of ds; cs = ds + 0x20.
 * Sources: Linux' Documentation/x86/boot.rst.  The composer fills in every
 * field that depends on the variants (packer/compose.c).
 */
#include "parameters.h"

        .code16
        .section .text, "ax"
        .globl  setup, header_end
setup:
/* Started as a boot sector: say so.  (The DOS header and the PE header of a
 * later UEFI entry have their room up to 0x1f1.) */
        ljmp    $0x7c0, $boot_sector - setup
boot_sector:
        movw    %cs, %ax
        movw    %ax, %ds
        xorw    %bx, %bx
        movw    $boot_message - setup, %si
        cld
1:      lodsb
        testb   %al, %al
        jz      2f
        movb    $0x0e, %ah      /* BIOS: teletype output */
        int     $0x10
        jmp     1b
2:      hlt
        jmp     2b
boot_message:
        .asciz  "ingot: start this file with a boot loader\r\n"

/* The set-up header.  Zero: filled in by the composer or by the loader. */
        .org    0x1f1
        .byte   0               /* 1f1 setup_sects: composer */
        .word   1               /* 1f2 root_flags: read-only */
        .long   0               /* 1f4 syssize: composer */
        .word   0               /* 1f8 ram_size: obsolete */
        .word   0xffff          /* 1fa vid_mode: normal */
        .word   0               /* 1fc root_dev */
        .word   0xaa55          /* 1fe boot_flag */
        .byte   0xeb, header_end - 1f /* 200 jump: also the header's end */
1:      .ascii  "HdrS"          /* 202 header */
        .word   0x020f          /* 206 version 2.15 */
        .long   0               /* 208 realmode_swtch: none */
        .word   0               /* 20c start_sys_seg: obsolete */
        .word   kernel_version - setup - 0x200 /* 20e kernel_version */
        .byte   0               /* 210 type_of_loader */
        .byte   0x01            /* 211 loadflags: LOADED_HIGH (KASLR_FLAG is the
                                 * kernel's own, set at run time) */
        .word   0x8000          /* 212 setup_move_size */
        .long   0x100000        /* 214 code32_start */
        .long   0               /* 218 ramdisk_image */
        .long   0               /* 21c ramdisk_size */
        .long   0               /* 220 bootsect_kludge: obsolete */
        .word   0xe000 - 0x200  /* 224 heap_end_ptr */
        .byte   0               /* 226 ext_loader_ver */
        .byte   0               /* 227 ext_loader_type */
        .long   0               /* 228 cmd_line_ptr */
        .long   0x7fffffff      /* 22c initrd_addr_max */
        .long   0               /* 230 kernel_alignment: composer */
        .byte   1               /* 234 relocatable_kernel */
        .byte   12              /* 235 min_alignment: composer */
        .word   0               /* 236 xloadflags: composer */
        .long   0               /* 238 cmdline_size: composer */
        .long   0               /* 23c hardware_subarch */
        .quad   0               /* 240 hardware_subarch_data */
        .long   0               /* 248 payload_offset: composer */
        .long   0               /* 24c payload_length: composer */
        .quad   0               /* 250 setup_data */
        .quad   0               /* 258 pref_address: composer */
        .long   0               /* 260 init_size: composer */
        .long   0               /* 264 handover_offset */
        .long   0               /* 268 kernel_info_offset */
header_end:
        jmp     start_of_setup

        .org    SETUP_SAVED_STACK
saved_sp:
        .word   0
saved_ss:
        .word   0
#ifdef PROGRAM_32
        .org    SETUP_MEMORY_MAP
map_count:
        .word   0
        .word   setup_end - setup
#endif
        .org    SETUP_CODE
start_of_setup:
        cli
        cld
        movw    %ds, %ax
        movw    %ax, %es

        /* A stack: the loader's if it lies in our segment, else below the end
         * of the heap (as boot.rst, "Sample Boot Configuration", lays out). */
        movw    %ss, %dx
        movw    %sp, %bx
        cmpw    %ax, %dx
        je      1f
        movw    $0xfffc, %bx
        testb   $0x80, 0x211    /* CAN_USE_HEAP */
        jz      1f
        movw    0x224, %bx      /* heap_end_ptr */
        addw    $0x200, %bx
1:      andw    $~3, %bx
        jnz     2f
        movw    $0xfffc, %bx
2:      movw    %ax, %ss
        movzwl  %bx, %esp
        movw    %bx, saved_sp - setup
        movw    %ax, saved_ss - setup

#ifdef PROGRAM_32
        call    read_map
#endif
        call    check_window
        call    enable_a20
        cli                     /* whatever the BIOS did */

        /* esi: linear address of the set-up */
        xorl    %esi, %esi
        movw    %ds, %si
        shll    $4, %esi
        addl    %esi, gdt_base - setup
        addl    %esi, far_32 - setup
        lidtl   no_idt - setup
        lgdtl   gdt_pointer - setup
        movl    0x214, %ebx     /* code32_start */
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        jmp     3f
3:      ljmpl   *far_32 - setup

/* The window, [code32_start, + init_size), must be memory that the BIOS calls
 * usable: a real-mode loader need not know init_size.  A BIOS without INT 15h,
 * AX=E820h is trusted. */
check_window:
        movl    0x214, %ebp             /* code32_start */
        movl    %ebp, %edi
        addl    0x260, %edi             /* init_size */
        jc      4f
        movl    %edi, window_end - setup
        xorl    %ebx, %ebx
1:      movl    $0xe820, %eax
        movl    $20, %ecx
        movl    $0x534d4150, %edx       /* "SMAP" */
        movw    $e820_entry - setup, %di
        int     $0x15
        jc      3f
        cmpl    $0x534d4150, %eax
        jne     3f
        cmpl    $1, e820_entry + 16 - setup     /* usable */
        jne     2f
        cmpl    $0, e820_entry + 4 - setup      /* above 4 GiB */
        jne     2f
        movl    e820_entry - setup, %eax
        cmpl    %ebp, %eax
        ja      2f
        cmpl    $0, e820_entry + 12 - setup     /* 4 GiB long or more */
        jne     9f
        addl    e820_entry + 8 - setup, %eax
        jc      9f                              /* up to 4 GiB or more */
        cmpl    window_end - setup, %eax
        jae     9f
2:      incw    e820_count - setup
        testl   %ebx, %ebx
        jnz     1b
3:      cmpw    $0, e820_count - setup
        je      9f
4:      movw    $window_message - setup, %si
        jmp     fail
9:      ret

#ifdef PROGRAM_32
/* The BIOS's memory map, for a kernel that has no set-up to ask for it: behind
 * this set-up, where the stack does not come (handoff-real.c sees to that). */
read_map:
        xorl    %ebx, %ebx
        movw    $setup_end - setup, %di
1:      movl    $0xe820, %eax
        movl    $20, %ecx
        movl    $0x534d4150, %edx       /* "SMAP" */
        int     $0x15
        jc      2f
        cmpl    $0x534d4150, %eax
        jne     2f
        addw    $20, %di
        incw    map_count - setup
        cmpw    $128, map_count - setup /* E820_MAX_ENTRIES_ZEROPAGE */
        je      2f
        testl   %ebx, %ebx
        jnz     1b
2:      ret
#endif

/* A20: ask the BIOS, then the fast gate, then the keyboard controller; each
 * is tried until an address above 1 MiB no longer mirrors the one below. */
enable_a20:
        call    a20_open
        jne     9f
        movw    $0x2401, %ax
        int     $0x15
        cli
        call    a20_open
        jne     9f
        inb     $0x92, %al
        orb     $0x02, %al
        andb    $0xfe, %al
        outb    %al, $0x92
        call    a20_open
        jne     9f
        call    keyboard_ready
        movb    $0xd1, %al
        outb    %al, $0x64
        call    keyboard_ready
        movb    $0xdf, %al
        outb    %al, $0x60
        call    keyboard_ready
        movw    $0xffff, %cx
8:      call    a20_open
        jne     9f
        loop    8b
        movw    $a20_message - setup, %si
        jmp     fail
9:      ret

/* Not equal: A20 is open.  Compares 0:0x200 with 0xffff:0x210, 1 MiB above it,
 * while the first counts; restores it. */
a20_open:
        pushw   %es
        pushw   %fs
        pushw   %cx
        xorw    %ax, %ax
        movw    %ax, %fs
        decw    %ax
        movw    %ax, %es
        movw    $32, %cx
        movw    %fs:0x200, %ax
        pushw   %ax
1:      incw    %ax
        movw    %ax, %fs:0x200
        outb    %al, $0x80      /* a short delay */
        cmpw    %es:0x210, %ax
        loope   1b
        popw    %fs:0x200
        popw    %cx
        popw    %fs
        popw    %es
        ret

/* At most 65535 reads of the status port. */
keyboard_ready:
        movw    $0xffff, %cx
1:      inb     $0x64, %al
        testb   $2, %al
        loopnz  1b
        ret

/* si: offset of a message */
fail:   xorw    %bx, %bx
1:      lodsb
        testb   %al, %al
        jz      2f
        movb    $0x0e, %ah
        int     $0x10
        jmp     1b
2:      hlt
        jmp     2b

        .code32
protected:
        movw    $0x18, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        addl    %esi, %esp
        addl    $HEAD_ENTRY_REAL, %ebx
        jmp     *%ebx

        .balign 8
gdt:    .quad   0
        .quad   0
        .quad   0x00cf9b000000ffff /* 0x10 code, flat, 32-bit */
        .quad   0x00cf93000000ffff /* 0x18 data, flat */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
gdt_base:
        .long   gdt - setup
no_idt: .word   0
        .long   0
far_32: .long   protected - setup
        .word   0x10
e820_count:
        .word   0
e820_entry:
        .skip   20
window_end:
        .long   0
window_message:
        .asciz  "ingot: not enough memory above 1 MiB to unpack a kernel\r\n"
a20_message:
        .asciz  "ingot: the A20 gate stays shut\r\n"
kernel_version:
        .ascii  "ingot multi-image "
        .asciz  INGOT_VERSION
/* Whole sectors; the boot sector is one of them. */
        .balign 512
setup_end:
