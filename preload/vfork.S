/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vfork(2) returns twice into the same stack frame, so that no C function can stand around it: the
 * child's return would overwrite the return address that the parent still needs. As in the C
 * library, that address is kept in a register, which the kernel gives to both.
 *
 * process_vforks is raised for the time that the child runs in our memory, and process_vforker
 * says who we are: see process.h.
 */

#if defined(__x86_64__)

        .text
        .globl  vfork
        .type   vfork, @function
        .globl  __vfork
        .type   __vfork, @function
        .p2align 4
vfork:
__vfork:
        .cfi_startproc
        endbr64
        movl    $39, %eax               /* SYS_getpid */
        syscall
        movq    process_vforks@gottpoff(%rip), %rsi
        movq    process_vforker@gottpoff(%rip), %r8
        movl    %fs:(%r8), %edx         /* vfork in a child of vfork: put back below */
        movl    %eax, %fs:(%r8)
        incl    %fs:(%rsi)
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rdi
        movl    $58, %eax               /* SYS_vfork */
        syscall
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        testq   %rax, %rax
        jz      .Lchild
        /* The parent, once the child has gone; or nobody was born. The kernel keeps the others. */
        decl    %fs:(%rsi)
        movl    %edx, %fs:(%r8)
        testq   %rax, %rax
        js      .Lerror
.Lchild:
        ret
.Lerror:
        negl    %eax
        movl    %eax, %edi
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    process_vfork_failed
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .size   vfork, . - vfork
        .size   __vfork, . - __vfork

#endif

        .section .note.GNU-stack, "", @progbits
