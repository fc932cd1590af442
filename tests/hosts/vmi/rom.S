/* SPDX-License-Identifier: MIT */
/*
 * An option ROM that implements VMI 3.0 on bare hardware: every call does what
 * the processor's own instruction does.  QEMU loads it with -option-rom,
 * SeaBIOS copies it between 0xc0000 and 0xe0000, and a kernel finds it there.
 *
 * This file is what a kernel sees of the ROM first: the header, and the two
 * entries in it that are code.  The calls are in calls.S and time.c.
 *
 * The ROM runs where it lies and where the kernel has mapped it, so code finds
 * data by its distance from EIP.  It is linked at 0: a symbol's value is its
 * offset, and 16 bits hold it.
 *
 * The area is read-only once the firmware is done, so there is one variable,
 * the frequency of the time-stamp counter, written when the firmware calls the
 * ROM.  A ROM in which it stayed 0 has no calls for time: GetRelocationInfo
 * says that the kernel is to use the hardware.
 *
 * What is left out: a range of addresses of its own (virtual_top), application
 * processors and the local APIC (calls 62 to 64: native instructions serve).
 *
 * One macro at a time makes a ROM that a kernel must refuse, or nearly so:
 *      BAD_LICENCE     neither "GPL" nor "GPL v2"
 *      BAD_MAJOR       API 4
 *      BAD_SUM         the sum was right for the firmware, and no longer is
 *      BAD_PCI         no PCI header
 *      BAD_INIT        VMI_Init reports a failure
 *      NO_TIME         good, but without the calls for time
 *      MINIMAL         good, but with nothing but the two jumps that every ROM
 *                      must have: the kernel keeps its native instructions
 */
#include "vmi.h"

#ifdef BAD_LICENCE
#define LICENCE "Proprietary"
#else
#define LICENCE "GPL"
#endif
#ifdef BAD_MAJOR
#define MAJOR (VMI_API_MAJOR + 1)
#else
#define MAJOR VMI_API_MAJOR
#endif
#ifdef BAD_PCI
#define PCI_HEADER 0
#else
#define PCI_HEADER pci
#endif

        .section .header, "ax"
start:
        .word   0xaa55
        .byte   rom_sectors
        .code16
        jmp     bios_entry
        .org    start + 7
sum:    .byte   0                       /* seal.c: all bytes add up to 0 */
        .code32
        .long   VMI_SIGNATURE
        .byte   VMI_API_MINOR
        .byte   MAJOR
        .byte   0                       /* jump slots */
        .byte   0
        .long   0                       /* virtual_top: nothing is reserved */
        .word   0
        .word   licence
        .word   PCI_HEADER
        .word   pnp
        .long   0

        /* 32 to 127 are for headers.  SeaBIOS calls the entry of a ROM that
         * has a PnP header while the area can still be written. */
        .org    start + 32
pnp:    .ascii  "$PnP"
        .byte   1                       /* revision */
        .byte   2                       /* length, 16 bytes each */
        .word   0                       /* next */
        .byte   0
        .byte   0                       /* seal.c: the header's own sum */
        .long   0                       /* device */
        .word   manufacturer
        .word   product
        .byte   0, 0, 0xff              /* class: other */
        .byte   0                       /* no boot device */
        .word   0, 0, 0, 0, 0

        .org    start + 64
pci:    .ascii  "PCIR"
        .word   VMI_PCI_VENDOR
        .word   VMI_PCI_DEVICE
        .word   0
        .word   24                      /* length */
        .byte   0
        .byte   0, 0, 0xff              /* class: other */
        .word   rom_sectors
        .byte   0, 1                    /* version 1.0 */
        .byte   0                       /* code for a PC */
        .byte   0x80                    /* the last image */
        .word   0

        .org    start + VMI_INIT
        jmp     init
        .org    start + VMI_GET_RELOC
        jmp     get_relocation
        .org    start + VMI_HEADER_SIZE

licence:
        .asciz  LICENCE
manufacturer:
        .asciz  "Ingot"
product:
        .asciz  "VMI on bare hardware"

        .balign 8
        .globl  frequency
frequency:
        .quad   0                       /* cycles a second; 0: not measured */

/* VMI_Init: 0 is success. */
init:
#ifdef BAD_INIT
        movl    $1, %eax
#else
        xorl    %eax, %eax
#endif
        ret

/* eax: number of a call.  Returns eax: address, dl: kind of relocation. */
get_relocation:
        call    1f
1:      popl    %ecx
        subl    $1b - start, %ecx
        cmpl    $VMI_CALL_COUNT, %eax
        jae     3f
        cmpl    $VMI_CALL_GetCycleFrequency, %eax
        jb      2f
        cmpl    $VMI_CALL_WallclockUpdated, %eax
        ja      2f
        cmpl    $0, frequency(%ecx)
        je      3f
2:
#ifdef MINIMAL
        cmpl    $VMI_CALL_IRET, %eax
        jb      3f
        cmpl    $VMI_CALL_SYSEXIT, %eax
        ja      3f
#endif
        movzwl  relocations + 2(%ecx, %eax, 4), %edx
        movzwl  relocations(%ecx, %eax, 4), %eax
        addl    %ecx, %eax
        ret
3:      xorl    %eax, %eax
        xorl    %edx, %edx              /* VMI_RELOCATION_NONE */
        ret

/* The firmware's call: counts cycles during 10 ms of the 8254's channel 2, the
 * speaker's, and keeps the ROM's sum right.  11932 ticks are 10.00015 ms, so
 * the frequency comes out 15 ppm too high.  A measurement that something comes
 * in between of is only ever too long: the least of MEASURED counts. */
        .set    TICKS, 11932
        .set    MEASURED, 4
        .code16
bios_entry:
        pushfw
        pushal
        pushw   %ds
        cli
        movw    %cs, %ax
        movw    %ax, %ds
#ifndef NO_TIME
        inb     $0x61, %al
        movb    %al, %bl
        movl    $-1, %edi
        movw    $MEASURED, %cx
measure:
        movb    %bl, %al
        andb    $0xfc, %al              /* gate and speaker off */
        outb    %al, $0x61
        movb    $0xb0, %al              /* channel 2, two bytes, mode 0 */
        outb    %al, $0x43
        movb    $(TICKS & 0xff), %al
        outb    %al, $0x42
        movb    $(TICKS >> 8), %al
        outb    %al, $0x42
        movb    %bl, %al
        andb    $0xfd, %al
        orb     $1, %al                 /* gate on */
        outb    %al, $0x61
        rdtsc
        movl    %eax, %esi
1:      inb     $0x61, %al
        testb   $0x20, %al              /* the output, high when done */
        jz      1b
        rdtsc
        subl    %esi, %eax
        cmpl    %edi, %eax
        jae     2f
        movl    %eax, %edi
2:      loop    measure
        movl    $100, %eax
        mull    %edi
        movl    %eax, frequency
        movl    %edx, frequency + 4
        movb    %bl, %al
        outb    %al, $0x61
#endif
        movzbw  start + 2, %cx
        shlw    $9, %cx
        xorw    %si, %si
        xorb    %al, %al
1:      addb    (%si), %al
        incw    %si
        loop    1b
#ifdef BAD_SUM
        incb    %al
#endif
        subb    %al, sum
        popw    %ds
        popal
        popfw
        xorw    %ax, %ax
        lretw
        .code32

/* By number: offset of the code, kind. */
        .macro  call name
        .word   \name, VMI_RELOCATION_CALL_REL
        .endm
        .macro  jump name
        .word   \name, VMI_RELOCATION_JUMP_REL
        .endm
        .macro  nothing
        .word   0, VMI_RELOCATION_NOP
        .endm
        .macro  native
        .word   0, VMI_RELOCATION_NONE
        .endm

        .balign 4
relocations:
        call    vmi_cpuid               /*  0 */
        call    vmi_wrmsr
        call    vmi_rdmsr
        call    vmi_set_gdt
        call    vmi_set_ldt
        call    vmi_set_idt             /*  5 */
        call    vmi_set_tr
        call    vmi_get_gdt
        call    vmi_get_ldt
        call    vmi_get_idt
        call    vmi_get_tr              /* 10 */
        call    vmi_write_entry         /* of the GDT, */
        call    vmi_write_entry         /* an LDT, */
        call    vmi_write_entry         /* or the IDT */
        call    vmi_update_kernel_stack
        call    vmi_set_cr0             /* 15 */
        call    vmi_set_cr2
        call    vmi_set_cr3
        call    vmi_set_cr4
        call    vmi_get_cr0
        call    vmi_get_cr2             /* 20 */
        call    vmi_get_cr3
        call    vmi_get_cr4
        call    vmi_wbinvd
        call    vmi_set_dr
        call    vmi_get_dr              /* 25 */
        native                          /* RDPMC */
        call    vmi_rdtsc
        call    vmi_clts
        call    vmi_enable_interrupts
        call    vmi_disable_interrupts  /* 30 */
        call    vmi_get_interrupt_mask
        call    vmi_set_interrupt_mask
        jump    vmi_iret
        jump    vmi_sysexit
        call    vmi_halt                /* 35 */
        call    vmi_reboot
        call    vmi_shutdown
        call    vmi_set_pxe
        call    vmi_set_pxe_long
        nothing                         /* 40: UpdatePxE: the kernel wrote */
        nothing                         /* UpdatePxELong: that entry itself */
        call    vmi_same                /* MachineToPhysical */
        call    vmi_same                /* PhysicalToMachine */
        nothing                         /* AllocatePage */
        nothing                         /* 45: ReleasePage */
        call    vmi_inval_page
        call    vmi_flush_tlb
        call    vmi_set_linear_mapping
        .rept   VMI_CALL_SetIOPLMask - VMI_CALL_SetLinearMapping - 1
        native
        .endr
        call    vmi_set_iopl_mask       /* 61 */
        native                          /* SetInitialAPState */
        native                          /* APICWrite */
        native                          /* APICRead */
        nothing                         /* 65: IODelay: no slow bus here */
        call    vmi_get_cycle_frequency
        call    vmi_get_cycle_counter
        call    vmi_set_alarm
        call    vmi_cancel_alarm
        call    vmi_get_wallclock_time  /* 70 */
        call    vmi_wallclock_updated
        native                          /* 72 */
        nothing                         /* SetLazyMode: nothing is deferred */
relocations_end:
        .if     relocations_end - relocations != 4 * VMI_CALL_COUNT
        .error  "the table of calls is not VMI_CALL_COUNT long"
        .endif
        .section .note.GNU-stack, "", @progbits
