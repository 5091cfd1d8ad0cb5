/**
 * The interpreter. Program, scratch memory and packet lie in the arena; registers are 32-bit integers, compared as
 * unsigned ones. A program was verified (verify.ts), so it ends; what it reads beyond the packet, or a division by a zero
 * in X, ends it as well, and nothing of the packet is wanted.
 */
import {
  type Address,
  type Arena,
  PAGE,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  type Page,
} from '../memory/arena.ts'
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
  JA,
  JEQ,
  JGE,
  JGT,
  JMP,
  LD,
  LDX,
  LEN,
  LSH,
  MEM,
  MISC,
  MOD,
  MODE,
  MUL,
  NEG,
  OPERATION,
  OR,
  RET,
  RSH,
  SIZE,
  ST,
  STX,
  SUB,
  TAX,
  X,
} from './bpf.ts'

/** A program's pages: the first one's scratch memory behind the page header, then instructions of 8 bytes each. */
const MEMORY_AT = 24
export const PROGRAM_AT = MEMORY_AT + 64
export const INSTRUCTION = 8
export const INSTRUCTIONS_A_PAGE = (PAGE - PROGRAM_AT) / INSTRUCTION

/**
 * How many bytes the program at `program` wants of a packet: `length` bytes at `at`, then `behind` bytes in a chain of
 * pages. Unsigned; it may be more than there are.
 */
export function runFilter(
  m: Arena,
  program: Page,
  at: Address,
  length: number,
  chain: Page,
  behind: number,
): number {
  const total = length + behind
  let a = 0
  let x = 0
  let next = 0
  let page = program
  // Where instruction 0 would stand if this page's instructions were not the first.
  let base = page + PROGRAM_AT
  for (;;) {
    for (; next >= INSTRUCTIONS_A_PAGE; next -= INSTRUCTIONS_A_PAGE) {
      page = m.get32(page + PAGE_NEXT)
      base = page + PROGRAM_AT
    }
    const here = base + next * INSTRUCTION
    const code = m.get16(here)
    const k = m.get32(here + 4)
    next++
    switch (code & CLASS) {
      case LD:
      case LDX: {
        const mode = code & MODE
        let value = k
        if (mode === MEM) value = m.get32(program + MEMORY_AT + k * 4)
        else if (mode === LEN) value = total
        else if (mode !== IMM) {
          const offset = mode === IND ? (x + k) >>> 0 : k >>> 0
          const size = code & SIZE
          if (offset + (size === W_SIZE ? 4 : size === H ? 2 : 1) > total) return 0
          value = fetch(m, at, length, chain, offset, size)
          if (mode !== IND && mode !== ABS) value = (value & 15) << 2
        }
        if ((code & CLASS) === LD) a = value
        else x = value
        break
      }
      case ST:
        m.put32(program + MEMORY_AT + k * 4, a)
        break
      case STX:
        m.put32(program + MEMORY_AT + k * 4, x)
        break
      case ALU: {
        const operand = (code & X) === 0 ? k : x
        const operation = code & OPERATION
        if (operand === 0 && (operation === DIV || operation === MOD)) return 0
        a = calculate(operation, a, operand)
        break
      }
      case JMP:
        if ((code & OPERATION) === JA) next += k
        else next += m.get8(here + (holds(code & OPERATION, a, (code & X) === 0 ? k : x) ? 2 : 3))
        break
      case RET:
        return ((code & A) === 0 ? k : a) >>> 0
      case MISC:
        if ((code & 0xf8) === TAX) x = a
        else a = x
    }
  }
}

const W_SIZE = 0

/** The operation of an ALU instruction, modulo 2^32. Shifts count modulo 32. */
function calculate(operation: number, a: number, b: number): number {
  switch (operation) {
    case ADD:
      return (a + b) | 0
    case SUB:
      return (a - b) | 0
    case MUL:
      return Math.imul(a, b)
    case DIV:
      return ((a >>> 0) / (b >>> 0)) | 0
    case MOD:
      return ((a >>> 0) % (b >>> 0)) | 0
    case OR:
      return a | b
    case AND:
      return a & b
    case LSH:
      return a << b
    case RSH:
      return (a >>> b) | 0
    case NEG:
      return -a | 0
    default:
      return a ^ b
  }
}

function holds(condition: number, a: number, b: number): boolean {
  switch (condition) {
    case JEQ:
      return a === b
    case JGT:
      return a >>> 0 > b >>> 0
    case JGE:
      return a >>> 0 >= b >>> 0
    default:
      return (a & b) !== 0
  }
}

/** The number of 1, 2 or 4 bytes at `offset` of a packet, which has them. */
function fetch(m: Arena, at: Address, length: number, chain: Page, offset: number, size: number): number {
  const count = size === B ? 1 : size === H ? 2 : 4
  if (offset + count > length) {
    let value = 0
    for (let i = offset; i < offset + count; i++)
      value = (value << 8) | (i < length ? m.get8(at + i) : byteIn(m, chain, i - length))
    return value
  }
  if (count === 1) return m.get8(at + offset)
  return count === 2 ? m.view.getUint16(at + offset) : m.view.getInt32(at + offset)
}

function byteIn(m: Arena, chain: Page, offset: number): number {
  let page = chain
  let left = offset
  for (; left >= m.get16(page + PAGE_LENGTH); page = m.get32(page + PAGE_NEXT))
    left -= m.get16(page + PAGE_LENGTH)
  return m.get8(page + m.get16(page + PAGE_OFFSET) + left)
}
