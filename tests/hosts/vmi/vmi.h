/* SPDX-License-Identifier: MIT */
/*
 * VMI, the interface of VMware's option ROM to a paravirtual kernel, API 3.0:
 * numbers that the ROM and its test guest share.  (Linux 2.6.21 to 2.6.36,
 * arch/x86/include/asm/vmi.h and vmi_time.h.)
 */
#ifndef TESTS_HOSTS_VMI_H
#define TESTS_HOSTS_VMI_H

#define VMI_SIGNATURE   0x696d5663 /* "cVmi" */
#define VMI_API_MAJOR   3
#define VMI_API_MINOR   0
#define VMI_PCI_VENDOR  0x15ad
#define VMI_PCI_DEVICE  0x0801
#define VMI_INIT        0x80 /* code, not an address: 8 bytes */
#define VMI_GET_RELOC   0x88
#define VMI_HEADER_SIZE 0x90

/* What GetRelocationInfo says in dl about a call. */
#define VMI_RELOCATION_NONE     0 /* keep the native instruction */
#define VMI_RELOCATION_CALL_REL 1
#define VMI_RELOCATION_JUMP_REL 2
#define VMI_RELOCATION_NOP      3

#define VMI_CALL_CPUID             0
#define VMI_CALL_WRMSR             1
#define VMI_CALL_RDMSR             2
#define VMI_CALL_SetGDT            3
#define VMI_CALL_SetLDT            4
#define VMI_CALL_SetIDT            5
#define VMI_CALL_SetTR             6
#define VMI_CALL_GetGDT            7
#define VMI_CALL_GetLDT            8
#define VMI_CALL_GetIDT            9
#define VMI_CALL_GetTR             10
#define VMI_CALL_WriteGDTEntry     11
#define VMI_CALL_WriteLDTEntry     12
#define VMI_CALL_WriteIDTEntry     13
#define VMI_CALL_UpdateKernelStack 14
#define VMI_CALL_SetCR0            15
#define VMI_CALL_SetCR2            16
#define VMI_CALL_SetCR3            17
#define VMI_CALL_SetCR4            18
#define VMI_CALL_GetCR0            19
#define VMI_CALL_GetCR2            20
#define VMI_CALL_GetCR3            21
#define VMI_CALL_GetCR4            22
#define VMI_CALL_WBINVD            23
#define VMI_CALL_SetDR             24
#define VMI_CALL_GetDR             25
#define VMI_CALL_RDPMC             26
#define VMI_CALL_RDTSC             27
#define VMI_CALL_CLTS              28
#define VMI_CALL_EnableInterrupts  29
#define VMI_CALL_DisableInterrupts 30
#define VMI_CALL_GetInterruptMask  31
#define VMI_CALL_SetInterruptMask  32
#define VMI_CALL_IRET              33
#define VMI_CALL_SYSEXIT           34
#define VMI_CALL_Halt              35
#define VMI_CALL_Reboot            36
#define VMI_CALL_Shutdown          37
#define VMI_CALL_SetPxE            38
#define VMI_CALL_SetPxELong        39
#define VMI_CALL_UpdatePxE         40
#define VMI_CALL_UpdatePxELong     41
#define VMI_CALL_MachineToPhysical 42
#define VMI_CALL_PhysicalToMachine 43
#define VMI_CALL_AllocatePage      44
#define VMI_CALL_ReleasePage       45
#define VMI_CALL_InvalPage         46
#define VMI_CALL_FlushTLB          47
#define VMI_CALL_SetLinearMapping  48
#define VMI_CALL_SetIOPLMask       61
#define VMI_CALL_SetInitialAPState 62
#define VMI_CALL_APICWrite         63
#define VMI_CALL_APICRead          64
#define VMI_CALL_IODelay           65
#define VMI_CALL_GetCycleFrequency 66
#define VMI_CALL_GetCycleCounter   67
#define VMI_CALL_SetAlarm          68
#define VMI_CALL_CancelAlarm       69
#define VMI_CALL_GetWallclockTime  70
#define VMI_CALL_WallclockUpdated  71
#define VMI_CALL_SetLazyMode       73
#define VMI_CALL_COUNT             74

#define VMI_INTERRUPT_MASK 0x200 /* EFLAGS.IF */

#define VMI_FLUSH_TLB    1
#define VMI_FLUSH_GLOBAL 2

/* Views of time: cycles that passed, that the kernel had, that it lost. */
#define VMI_CYCLES_REAL      0
#define VMI_CYCLES_AVAILABLE 1
#define VMI_CYCLES_STOLEN    2

#define VMI_ALARM_PERIODIC 0x100
/* Else the alarm comes by IRQ 0. */
#define VMI_ALARM_WIRED_LVTT 0x10000

#endif
