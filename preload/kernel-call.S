/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* syscall(2) for our own use. See kernel.h. */

#if defined(__x86_64__) && defined(__LP64__)

        .text
        .globl  kernel_call
        .hidden kernel_call
        .type   kernel_call, @function
        .balign 16
kernel_call:
        .cfi_startproc
        endbr64
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        movq    %rcx, %rdx
        movq    %r8, %r10
        movq    %r9, %r8
        movq    8(%rsp), %r9
        syscall
        cmpq    $-4095, %rax
        jae     .Lerror
        ret
.Lerror:
        negl    %eax
        movl    %eax, %edi
        jmp     kernel_call_failed
        .cfi_endproc
        .size   kernel_call, . - kernel_call

#endif

        .section .note.GNU-stack, "", @progbits
