/* SPDX-License-Identifier: MIT */
/*
 * The program of the process; copied to USER_CODE, so all its addresses
 * are relative.  It makes USER_CALLS system calls whose answers count up,
 * touches USER_PAGES new pages, each of which must be zero, waits for timer
 * ticks without giving up the processor, says so, and leaves.  Its status is
 * 0, or the number of the part that failed.
 */
#include "layout.h"
#include "user.h"

#if BITS == 64
#define AX  %rax
#define BX  %rbx
#define CX  %rcx
#define BP  %rbp
#define SI  %rsi
#define DI  %rdi
#else
#define AX  %eax
#define BX  %ebx
#define CX  %ecx
#define BP  %ebp
#define SI  %esi
#define DI  %edi
#endif

        .macro  system_call number
        mov     $\number, AX
        int     $VECTOR_SYSCALL
        .endm

        .section .rodata.user, "a"
        .globl  user_start, user_end
        .type   user_start, @object
user_start:
        mov     $1, BP
        system_call SYSCALL_NUMBER
        mov     AX, SI
        mov     $USER_CALLS - 1, DI
1:      system_call SYSCALL_NUMBER
        add     $1, SI
        cmp     AX, SI
        jne     leave
        sub     $1, DI
        jnz     1b

        mov     $2, BP
        mov     $USER_HEAP, DI
        mov     $USER_PAGES, SI
2:      cmpl    $0, (DI)
        jne     leave
        cmpl    $0, PAGE_SIZE - 4(DI)
        jne     leave
        mov     DI, (DI)
        cmp     DI, (DI)
        jne     leave
        add     $PAGE_SIZE, DI
        sub     $1, SI
        jnz     2b

        mov     $3, BP
        system_call SYSCALL_TICKS
        lea     USER_TICKS(AX), SI
3:      mov     $20000, CX
4:      pause
        sub     $1, CX
        jnz     4b
        system_call SYSCALL_TICKS
        cmp     SI, AX
        jb      3b

        mov     $4, BP
        push    DI /* the stack is memory that appears, too */
        mov     $message - user_start + USER_CODE, BX
        mov     $message_end - message, CX
        system_call SYSCALL_WRITE
        cmp     $message_end - message, AX
        jne     leave
        xor     BP, BP
leave:  mov     BP, BX
        system_call SYSCALL_EXIT
        jmp     leave

/* Where a second process starts: what is the kernel's can't be read. */
        .globl  user_trespass
user_trespass:
        mov     $VIRT_BASE + LOAD_ADDR, AX
        mov     (AX), AX
        mov     $5, BP
        jmp     leave

message:
        .ascii  "reference: user mode: hello\n"
message_end:
user_end:
        .size   user_start, . - user_start
        .section .note.GNU-stack, "", @progbits
