/**
 * The BSD Packet Filter for tests: an assembler for the notation of tcpdump -d and of the 1993 paper, and a second opinion
 * on what a program returns, written the plain way.
 *
 *     ldh [12]; jeq #0x800, ip, other; ip: ret #65535; other: ret #0
 */
import { runFilter } from '../filter/run.ts'
import { Arena, FRAME_MAX } from '../memory/arena.ts'
import type { FilterInstruction } from '../stack.ts'

const ALU = {
  add: 0x04,
  sub: 0x14,
  mul: 0x24,
  div: 0x34,
  or: 0x44,
  and: 0x54,
  lsh: 0x64,
  rsh: 0x74,
  mod: 0x94,
  xor: 0xa4,
}
const JUMPS = { jeq: 0x15, jgt: 0x25, jge: 0x35, jset: 0x45 }
const LOADS = { ld: 0x00, ldh: 0x08, ldb: 0x10 }

/** Instructions stand behind each other with ';' between them, a label before its instruction with ':'. */
export function assemble(text: string): FilterInstruction[] {
  const lines: string[] = []
  const labels = new Map<string, number>()
  for (const part of text.split(';')) {
    const [, label, line = ''] = /^\s*(?:(\w+):)?\s*(.*?)\s*$/s.exec(part) ?? []
    if (label !== undefined) labels.set(label, lines.length)
    if (line !== '') lines.push(line)
  }
  return lines.map((line, i) => instruction(line, i, labels))
}

function instruction(line: string, at: number, labels: ReadonlyMap<string, number>): FilterInstruction {
  const [, name = '', rest = ''] = /^(\w+)\s*(.*)$/.exec(line) ?? []
  const operands = rest === '' ? [] : rest.split(',').map(operand => operand.trim())
  const [first = ''] = operands
  const k = Number(/[#[\]+]?\s*(0x[\da-f]+|\d+)\s*\]?$/.exec(first.replace(/\)|&0xf/g, ''))?.[1] ?? 0)
  const distance = (label: string | undefined): number =>
    label === undefined ? 0 : (labels.get(label) ?? Number.NaN) - at - 1
  if (name in JUMPS) {
    const code = JUMPS[name as keyof typeof JUMPS] | (first === 'x' ? 8 : 0)
    return [code, distance(operands[1]), distance(operands[2]), first === 'x' ? 0 : k]
  }
  if (name in ALU)
    return [ALU[name as keyof typeof ALU] | (first === 'x' ? 8 : 0), 0, 0, first === 'x' ? 0 : k]
  if (name in LOADS) return load(LOADS[name as keyof typeof LOADS], first, k)
  switch (name) {
    case 'ldx':
      return load(1, first, k)
    case 'ldxb':
      return [0xb1, 0, 0, Number(/\[(\d+)\]/.exec(first)?.[1])]
    case 'st':
      return [2, 0, 0, k]
    case 'stx':
      return [3, 0, 0, k]
    case 'neg':
      return [0x84, 0, 0, 0]
    case 'ja':
      return [5, 0, 0, distance(first)]
    case 'tax':
      return [7, 0, 0, 0]
    case 'txa':
      return [0x87, 0, 0, 0]
    case 'ret':
      return first === 'a' ? [0x16, 0, 0, 0] : [6, 0, 0, k]
    default:
      throw new Error(`There is no instruction '${line}'.`)
  }
}

function load(code: number, operand: string, k: number): FilterInstruction {
  if (operand.startsWith('#')) return operand === '#len' ? [code | 0x80, 0, 0, 0] : [code, 0, 0, k]
  if (operand.startsWith('M')) return [code | 0x60, 0, 0, Number(operand.slice(2, -1))]
  return operand.startsWith('[x') ? [code | 0x40, 0, 0, k] : [code | 0x20, 0, 0, k]
}

const WORD = 2n ** 32n

/** What a sound program returns for a packet, in whole numbers without bounds, step by step. */
export function reference(program: readonly FilterInstruction[], packet: readonly number[]): number {
  const memory: bigint[] = []
  let [a, x] = [0n, 0n]
  const read = (offset: bigint, size: bigint): bigint | undefined => {
    if (offset + size > BigInt(packet.length)) return undefined
    return packet
      .slice(Number(offset), Number(offset + size))
      .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  }
  for (let at = 0; ; at++) {
    const [code = 0, whenTrue = 0, whenFalse = 0, number = 0] = program[at] ?? []
    const k = BigInt(number)
    const operand = (code & 8) === 0 ? k : x
    const size = { 0: 4n, 8: 2n, 16: 1n }[code & 0x18]
    let loaded: bigint | undefined
    switch (code & 7) {
      case 0:
      case 1:
        if ((code & 0xe0) === 0x00) loaded = k
        if ((code & 0xe0) === 0x20) loaded = read(k, size ?? 0n)
        if ((code & 0xe0) === 0x40) loaded = read((x + k) % WORD, size ?? 0n)
        if ((code & 0xe0) === 0x60) loaded = memory[number]
        if ((code & 0xe0) === 0x80) loaded = BigInt(packet.length)
        if ((code & 0xe0) === 0xa0) {
          const byte = read(k, 1n)
          loaded = byte === undefined ? undefined : (byte % 16n) * 4n
        }
        if (loaded === undefined) return 0
        if ((code & 7) === 0) a = loaded
        else x = loaded
        break
      case 2:
        memory[number] = a
        break
      case 3:
        memory[number] = x
        break
      case 4: {
        const result = calculate(code & 0xf0, a, operand)
        if (result === undefined) return 0
        a = ((result % WORD) + WORD) % WORD
        break
      }
      case 5:
        if (code === 5) at += number
        else at += compare(code & 0xf0, a, operand) ? whenTrue : whenFalse
        break
      case 6:
        return code === 6 ? number : Number(a)
      default:
        if (code === 7) x = a
        else a = x
    }
  }
}

function calculate(operation: number, a: bigint, b: bigint): bigint | undefined {
  switch (operation) {
    case 0x00:
      return a + b
    case 0x10:
      return a - b
    case 0x20:
      return a * b
    case 0x30:
      return b === 0n ? undefined : a / b
    case 0x40:
      return a | b
    case 0x50:
      return a & b
    case 0x60:
      return a << (b % 32n)
    case 0x70:
      return a >> (b % 32n)
    case 0x80:
      return -a
    case 0x90:
      return b === 0n ? undefined : a % b
    default:
      return a ^ b
  }
}

function compare(condition: number, a: bigint, b: bigint): boolean {
  if (condition === 0x10) return a === b
  if (condition === 0x20) return a > b
  if (condition === 0x30) return a >= b
  return (a & b) !== 0n
}

/** An arena of nothing but programs and packets. Every byte that is neither is 0xee. */
export class Machine {
  readonly m = new Arena(new ArrayBuffer(64 * 1600))
  private static readonly PACKET = 40 * 1600 + 2

  /** Runs a program, sound or not, on a packet; all of its pages follow each other from page 1 on. */
  run(program: readonly FilterInstruction[], packet: readonly number[]): number {
    const { m } = this
    m.bytes.fill(0xee)
    const perPage = 189
    for (const [i, [code, whenTrue, whenFalse, k]] of program.entries()) {
      const page = 1600 * (1 + Math.floor(i / perPage))
      m.put32(page, page + 1600)
      const at = page + 88 + (i % perPage) * 8
      m.put16(at, code)
      m.put8(at + 2, whenTrue)
      m.put8(at + 3, whenFalse)
      m.put32(at + 4, k)
    }
    if (packet.length > FRAME_MAX) throw new Error('The packet is longer than a frame.')
    m.bytes.set(packet, Machine.PACKET)
    return runFilter(m, 1600, Machine.PACKET, packet.length, 0, 0)
  }
}
