/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * syscall(2) for our own use. The linker puts it in the place of the calls of syscall() that are
 * made in here (--wrap), since the name itself is that of a hook, and hooks make such calls before
 * the C library's can be found.
 */

#if defined(__x86_64__) && defined(__LP64__)

        .text
        .globl  __wrap_syscall
        .hidden __wrap_syscall
        .type   __wrap_syscall, @function
        .balign 16
__wrap_syscall:
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
        .size   __wrap_syscall, . - __wrap_syscall

#endif

        .section .note.GNU-stack, "", @progbits
