/* SPDX-License-Identifier: MIT */
/*
 * The head: the first bytes of the protected-mode part.  It brings all
 * bzImage entries (our own real-mode set-up, the 32-bit and the 64-bit boot
 * protocol) to one state, moves E to the top of the window
 *
 *     [load address, load address + init_size)
 *
 * and jumps to the stub program in it.  The file holds E as a gzip stream of
 * stored blocks, so moving means closing up the five bytes in front of each
 * block.  Blocks are moved from the last to the first, each upwards: the
 * composer places E at least a block and all block headers above the first
 * block, hence no copy meets bytes that are still needed.
 *
 * Assembled a second time with PROGRAM_32, for files that carry the 32-bit stub
 * program: there all entries but the 64-bit one go on to that, in the mode that
 * they came in.
 *
 * Position independent: the load address is in ebp (rbp).  Stack: none but the
 * scratch field of boot_params, for one call.
 */
#include "long-mode.inc"
#include "parameters.h"

#define SCRATCH 0x1e4           /* boot_params.scratch */

        .section .text, "ax"
        .code32
        .globl  head
head:
        cld
        cli
        movl    $PROTOCOL_LINUX32, %edi
        jmp     common_32

        .org    HEAD_PARAMETERS
        /* struct head_parameters: the composer's */
parameters:
        .long   0x48474e49      /* HEAD_MAGIC */
data_offset:
        .long   0
block_count:
        .long   0
last_block_size:
        .long   0
elf_offset:
        .long   0
own_offset:
        .long   0
program_32_offset:
        .long   0
        .long   0

        .org    HEAD_ENTRY_REAL
        cld
        cli
        movl    $PROTOCOL_REAL, %edi
        /* esi: boot_params, or our set-up, which is laid out alike */
common_32:
        leal    SCRATCH + 4(%esi), %esp
        call    1f
1:      popl    %ebp
        subl    $1b - head, %ebp
#ifdef PROGRAM_32
        /* As common_64 below, but for the way on: edi: protocol, esi:
         * information, ebp: load address.  Maybe in ring 1 (lguest), where
         * descriptor tables are not ours; the loader's segments are flat. */
move_32:
        movl    %edi, %edx
        movl    %esi, %esp              /* there is nothing to push */
        movl    block_count - head(%ebp), %eax
        movl    last_block_size - head(%ebp), %ecx
1:      decl    %eax
        js      2f
        imull   $STORED_BLOCK_SIZE + STORED_BLOCK_HEADER, %eax, %esi
        addl    data_offset - head(%ebp), %esi
        addl    %ebp, %esi
        imull   $STORED_BLOCK_SIZE, %eax, %edi
        addl    elf_offset - head(%ebp), %edi
        addl    %ebp, %edi
        addl    $3, %ecx
        shrl    $2, %ecx
        rep movsl
        movl    $STORED_BLOCK_SIZE, %ecx
        jmp     1b
2:      movl    elf_offset - head(%ebp), %ebx
        addl    %ebp, %ebx              /* E */
        movl    program_32_offset - head(%ebp), %eax
        leal    STUB_32_ENTRY_HEAD(%ebx, %eax), %eax
        movl    %edx, %edi              /* protocol */
        movl    %esp, %esi              /* information */
        movl    %ebp, %edx              /* load address */
        jmp     *%eax

        /* eax: the loader's magic number, ebx: its information.  There is no
         * stack, but the headers say where we are. */
        .org    HEAD_ENTRY_MULTIBOOT
        cld
        cli
        movl    $PROTOCOL_MULTIBOOT1, %edi
        cmpl    $0x2badb002, %eax
        je      1f
        movl    $PROTOCOL_MULTIBOOT2, %edi
1:      movl    %ebx, %esi
        movl    $LOAD_ADDR, %ebp
        jmp     move_32
#else
        /* A descriptor table of our own: the loader's may be gone. */
        leal    gdt - head(%ebp), %eax
        movl    %eax, gdt_base - head(%ebp)
        lgdt    gdt_pointer - head(%ebp)
        movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss

        /* Long mode, or nothing here can run. */
        movl    %edi, %esp      /* cpuid leaves esp, ebp, esi, edi alone */
        movl    $0x80000000, %eax
        cpuid
        cmpl    $0x80000001, %eax
        jb      no_long_mode
        movl    $0x80000001, %eax
        cpuid
        btl     $29, %edx
        jnc     no_long_mode

        /* Identity map of the first 4 GiB in pages of 2 MiB, where E's own
         * memory will be: one table of each upper level, four of the lowest. */
        movl    own_offset - head(%ebp), %ebx
        leal    OWN_PAGE_TABLES(%ebx, %ebp), %ebx
        build_identity_map
        movl    %esp, %edi
        xorl    %esp, %esp
        leal    common_64 - head(%ebp), %eax
        movl    %eax, far_64 - head(%ebp)
        enable_long_mode
        ljmpl   *far_64 - head(%ebp)
#endif

        .org    HEAD_ENTRY_64
        .code64
        cld
        cli
        leaq    head(%rip), %rbp
        movl    $PROTOCOL_LINUX64, %edi

        /* edi: protocol, rsi: boot_params, rbp: load address.  E is moved with
         * whole words: stored blocks are a multiple of 8, and the bytes behind
         * the last one may be written. */
common_64:
        movl    %edi, %edx
        movq    %rsi, %rbx
        movl    data_offset(%rip), %r8d
        addq    %rbp, %r8               /* first block's data */
        movl    elf_offset(%rip), %r9d
        addq    %rbp, %r9               /* E's new place */
        movl    block_count(%rip), %eax
        movl    last_block_size(%rip), %ecx
1:      decl    %eax
        js      2f
        imulq   $STORED_BLOCK_SIZE + STORED_BLOCK_HEADER, %rax, %rsi
        addq    %r8, %rsi
        imulq   $STORED_BLOCK_SIZE, %rax, %rdi
        addq    %r9, %rdi
        addl    $7, %ecx
        shrl    $3, %ecx
        rep movsq
        movl    $STORED_BLOCK_SIZE, %ecx
        jmp     1b
2:
        movl    %edx, %edi              /* protocol */
        movq    %rbx, %rsi              /* boot_params */
        movq    %rbp, %rdx              /* load address */
        leaq    STUB_ENTRY_HEAD(%r9), %rax
        jmp     *%rax

#ifndef PROGRAM_32
        /* A 64-bit program on a 32-bit processor: as much as can be said. */
        .code32
no_long_mode:
        leal    message - head(%ebp), %esi
        movl    $0xb8000, %edi
4:      lodsb
        testb   %al, %al
        jz      5f
        movb    $0x07, %ah
        movw    %ax, (%edi)
        addl    $2, %edi
        movl    $0x3f8, %edx
        outb    %al, %dx
        jmp     4b
5:      hlt
        jmp     5b
message:
        .asciz  "ingot: this processor has no 64-bit mode\r\n"

        flat_gdt
far_64: .long   0
        .word   0x08
#else
        /* multiboot headers: the composer's */
        .org    HEAD_32_SIZE
#endif
        .balign 16
