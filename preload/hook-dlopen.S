/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dlopen(3) looks at who calls it, for the search path and the namespace of the caller's object. So
 * the next definition is jumped to: to it, the caller is the program. See hook-load.c.
 */

#if defined(__x86_64__)

        .text
        .globl  dlopen
        .type   dlopen, @function
        .p2align 4
dlopen:
        .cfi_startproc
        endbr64
        andl    $~8, %esi               /* RTLD_DEEPBIND */
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    load_find_dlopen
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %rsi
        .cfi_adjust_cfa_offset -8
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        jmp     *%rax
        .cfi_endproc
        .size   dlopen, . - dlopen

#endif

        .section .note.GNU-stack, "", @progbits
