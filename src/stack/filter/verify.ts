/**
 * Which programs may run: those that end, read no scratch memory that they have not written, and divide by no constant
 * zero. The rules are those of Linux's bpf_check_classic. What a program reads of a packet is checked when it runs.
 */
import type { FilterInstruction } from '../stack.ts'
import {
  A,
  ABS,
  ADD,
  ALU,
  AND,
  B,
  CLASS,
  DIV,
  H,
  IMM,
  IND,
  INSTRUCTIONS_MAX,
  JA,
  JEQ,
  JGE,
  JGT,
  JMP,
  JSET,
  LD,
  LDX,
  LEN,
  LSH,
  MEM,
  MEMORY_WORDS,
  MISC,
  MOD,
  MSH,
  MUL,
  NEG,
  OR,
  RET,
  RSH,
  ST,
  STX,
  SUB,
  TAX,
  TXA,
  W,
  X,
  XOR,
} from './bpf.ts'

/** Whether there is an instruction with this code. */
function isKnown(code: number): boolean {
  switch (code & CLASS) {
    case LD:
      return [ABS, IND].includes(code & 0xe0)
        ? [W, H, B].includes(code & 0x1f)
        : [LD | IMM, LD | MEM, LD | W | LEN].includes(code)
    case LDX:
      return [LDX | IMM, LDX | MEM, LDX | W | LEN, LDX | B | MSH].includes(code)
    case ST:
    case STX:
      return code === ST || code === STX
    case ALU:
      return (
        code === (ALU | NEG) ||
        [ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, MOD, XOR].includes(code & ~(CLASS | X))
      )
    case JMP:
      return code === (JMP | JA) || [JEQ, JGT, JGE, JSET].includes(code & ~(CLASS | X))
    case RET:
      return code === RET || code === (RET | A)
    default:
      return code === (MISC | TAX) || code === (MISC | TXA)
  }
}

const isInteger = (value: number, most: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= most

/** Whether the operand makes sense: memory that is there, no division by zero, no shift beyond the word. */
function operandIsGood(code: number, k: number): boolean {
  switch (code) {
    case LD | MEM:
    case LDX | MEM:
    case ST:
    case STX:
      return k < MEMORY_WORDS
    case ALU | DIV:
    case ALU | MOD:
      return k !== 0
    case ALU | LSH:
    case ALU | RSH:
      return k < 32
    default:
      return true
  }
}

/** Whether the jumps from instruction `at` stay in a program of `length`. `left` is how many instructions follow. */
function jumpsAreGood([code, whenTrue, whenFalse, k]: FilterInstruction, left: number): boolean {
  if ((code & CLASS) !== JMP) return true
  return code === (JMP | JA) ? k < left : whenTrue < left && whenFalse < left
}

/** Whether the program may run. */
export function isSound(program: readonly FilterInstruction[]): boolean {
  const { length } = program
  if (length === 0 || length > INSTRUCTIONS_MAX) return false
  for (const [i, instruction] of program.entries()) {
    const [code, whenTrue, whenFalse, k] = instruction
    if (!isInteger(code, 0xff) || !isInteger(k, 0xffffffff)) return false
    if (!isInteger(whenTrue, 255) || !isInteger(whenFalse, 255)) return false
    if (!isKnown(code) || !operandIsGood(code, k) || !jumpsAreGood(instruction, length - i - 1)) return false
  }
  const [last] = program[length - 1] ?? [0]
  return (last & CLASS) === RET && readsWhatItWrote(program)
}

/**
 * Whether scratch memory is written before it is read, on every way that leads there. Since no jump goes back, one pass
 * is enough: what each instruction may rely on is what all those before it agree on.
 */
function readsWhatItWrote(program: readonly FilterInstruction[]): boolean {
  const written = new Uint16Array(program.length + 1).fill(0xffff)
  written[0] = 0
  const reach = (at: number, words: number): void => {
    written[at] = (written[at] ?? 0) & words
  }
  for (const [i, [code, whenTrue, whenFalse, k]] of program.entries()) {
    const here = written[i] ?? 0
    if ((code === (LD | MEM) || code === (LDX | MEM)) && (here & (1 << k)) === 0) return false
    if ((code & CLASS) === RET) continue
    if ((code & CLASS) !== JMP) reach(i + 1, code === ST || code === STX ? here | (1 << k) : here)
    else if (code === (JMP | JA)) reach(i + 1 + k, here)
    else {
      reach(i + 1 + whenTrue, here)
      reach(i + 1 + whenFalse, here)
    }
  }
  return true
}
