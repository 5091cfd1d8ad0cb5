/**
 * The instructions of the BSD Packet Filter (McCanne and Jacobson, "The BSD Packet Filter", 1993), with the numbers that BSD
 * and Linux give them. A machine with an accumulator A, an index register X and sixteen words of scratch memory, which
 * reads a packet and returns how many of its bytes are wanted. Jumps go forward alone, so every program ends.
 */

/** The class: the lowest three bits of an instruction's code. */
export const LD = 0
export const LDX = 1
export const ST = 2
export const STX = 3
export const ALU = 4
export const JMP = 5
export const RET = 6
export const MISC = 7

/** LD and LDX: how much, and from where. */
export const W = 0x00
export const H = 0x08
export const B = 0x10
export const IMM = 0x00
export const ABS = 0x20
export const IND = 0x40
export const MEM = 0x60
export const LEN = 0x80
/** Four times the lower four bits of a byte: the length of an IPv4 header. */
export const MSH = 0xa0

/** ALU: the operation; the second operand is K, or X with the bit X. */
export const ADD = 0x00
export const SUB = 0x10
export const MUL = 0x20
export const DIV = 0x30
export const OR = 0x40
export const AND = 0x50
export const LSH = 0x60
export const RSH = 0x70
export const NEG = 0x80
/** Linux has these two beside BSD's. */
export const MOD = 0x90
export const XOR = 0xa0

/** JMP: the condition on A and the second operand, unsigned. */
export const JA = 0x00
export const JEQ = 0x10
export const JGT = 0x20
export const JGE = 0x30
export const JSET = 0x40

/** The bit that makes X the second operand of ALU and JMP. */
export const X = 0x08
/** RET: what is returned, K (0) or A. */
export const A = 0x10
/** MISC: X becomes A, A becomes X. */
export const TAX = 0x00
export const TXA = 0x80

/** The parts of a code. */
export const CLASS = 0x07
export const SIZE = 0x18
export const MODE = 0xe0
export const OPERATION = 0xf0

/** Words of scratch memory. */
export const MEMORY_WORDS = 16
/** The most instructions of a program: BPF_MAXINSNS. */
export const INSTRUCTIONS_MAX = 4096
