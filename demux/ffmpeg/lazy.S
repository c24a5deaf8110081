/* A door for each function of FFmpeg: a symbol of FFmpeg's name that jumps to
 * where the function is. At first all lead to planar_bind, which loads the library;
 * arguments are kept, in whatever registers they may be. */

#if defined(__linux__) && defined(__ELF__) && (defined(__x86_64__) || defined(__aarch64__))

#if defined(__x86_64__)

#define F(lib, name)                          \
    .globl name;                              \
    .type name, @function;                    \
    .p2align 4;                               \
name:                                         \
    movq planar_slot_##name(%rip), %r11;      \
    testq %r11, %r11;                         \
    jz 1f;                                    \
    jmp *%r11;                                \
1:  leaq planar_slot_##name(%rip), %r11;      \
    jmp planar_bind_registers;                \
    .size name, . - name;

    .text
    .type planar_bind_registers, @function
planar_bind_registers: /* r11: the slot */
    pushq %rbp
    movq %rsp, %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %rax /* variadic calls: the number of vector registers */
    pushq %r11
    subq $128, %rsp
    andq $-16, %rsp
    movups %xmm0, (%rsp)
    movups %xmm1, 16(%rsp)
    movups %xmm2, 32(%rsp)
    movups %xmm3, 48(%rsp)
    movups %xmm4, 64(%rsp)
    movups %xmm5, 80(%rsp)
    movups %xmm6, 96(%rsp)
    movups %xmm7, 112(%rsp)
    movq %r11, %rdi
    call planar_bind
    movups (%rsp), %xmm0
    movups 16(%rsp), %xmm1
    movups 32(%rsp), %xmm2
    movups 48(%rsp), %xmm3
    movups 64(%rsp), %xmm4
    movups 80(%rsp), %xmm5
    movups 96(%rsp), %xmm6
    movups 112(%rsp), %xmm7
    leaq -64(%rbp), %rsp
    popq %r11
    popq %rax
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rbp
    jmp *(%r11)
    .size planar_bind_registers, . - planar_bind_registers

#else /* aarch64 */

#define F(lib, name)                          \
    .globl name;                              \
    .type name, %function;                    \
    .p2align 4;                               \
name:                                         \
    adrp x17, planar_slot_##name;             \
    add x17, x17, :lo12:planar_slot_##name;   \
    ldr x16, [x17];                           \
    cbz x16, 1f;                              \
    br x16;                                   \
1:  b planar_bind_registers;                  \
    .size name, . - name;

    .text
    .type planar_bind_registers, %function
planar_bind_registers: /* x17: the slot */
    stp x29, x30, [sp, #-224]!
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp x8, x17, [sp, #80]
    stp q0, q1, [sp, #96]
    stp q2, q3, [sp, #128]
    stp q4, q5, [sp, #160]
    stp q6, q7, [sp, #192]
    mov x0, x17
    bl planar_bind
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp x8, x17, [sp, #80]
    ldp q0, q1, [sp, #96]
    ldp q2, q3, [sp, #128]
    ldp q4, q5, [sp, #160]
    ldp q6, q7, [sp, #192]
    ldp x29, x30, [sp], #224
    ldr x16, [x17]
    br x16
    .size planar_bind_registers, . - planar_bind_registers

#endif

#include "lazy.h"

#undef F
#define F(lib, name)                          \
    .globl planar_slot_##name;                \
    .type planar_slot_##name, %object;        \
planar_slot_##name:                           \
    .quad 0;                                  \
    .size planar_slot_##name, 8;

    .bss
    .p2align 3
    .globl planar_slots
planar_slots:
#include "lazy.h"

#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
