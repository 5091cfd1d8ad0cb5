/**
 * Programs of the BSD Packet Filter on sockets: of known instructions and of any, with jumps and operands at their edges. A
 * piece is an instruction, or a datagram that comes when the program is in its place.
 *
 * Right is: the verifier takes what a second reader of Linux's rules takes (bpf_check_classic), and says EINVAL to all else; what
 * it takes returns for every packet what a plain interpreter in whole numbers returns (stack/testing/bpf.ts), in no
 * more steps than it has instructions.
 */
import type { Dice } from '../../simulate/dice.ts'
import { EINVAL } from '../../stack/errno.ts'
import { type FilterInstruction, Protocol, type Socket } from '../../stack/stack.ts'
import { reference } from '../../stack/testing/bpf.ts'
import { noise, times } from './bytes.ts'
import { type Input, step } from './input.ts'
import { OWN, Pair } from './pair.ts'

interface Instruction {
  readonly instruction: FilterInstruction
}
interface Datagram {
  readonly data: readonly number[]
}
type Piece = Instruction | Datagram

const isInstruction = (piece: Piece): piece is Instruction => 'instruction' in piece

const PORT = 4_242
/** What a datagram costs the host beside the program's steps, turns of loops. */
const TURNS_WITHOUT = 400

export const bpf: Input<Piece> = {
  name: 'bpf',
  round: 120,

  draw(dice) {
    const length = dice.one([1, 3, 8, 20, 60, 300])
    const written = dice.chance(0.5) ? times(16, k => asPiece([dice.one([2, 3]), 0, 0, k])) : []
    const body = times(length, i => asPiece(instruction(dice, length - i)))
    const ends =
      dice.below(20) === 0
        ? []
        : times(dice.between(1, 4), () => asPiece([dice.one([0x16, 0x06]), 0, 0, dice.word()]))
    return [
      ...written,
      ...body,
      ...ends,
      ...times(3, () => ({ data: noise(dice, dice.one([0, 1, 4, 30, 64, 1_472])) })),
    ]
  },

  fault(pieces) {
    const program = pieces.filter(isInstruction).map(piece => piece.instruction)
    const pair = new Pair(program.length % 2 === 0 ? 'full' : 'client')
    const socket = pair.stack.socket(Protocol.Udp) as Socket
    const sender = pair.peer.socket(Protocol.Udp) as Socket
    pair.stack.bind(socket, 0, PORT)
    pair.peer.bind(sender, 0, PORT)
    const said = step(() => pair.stack.attachFilter(socket, program))
    const right = program.length === 0 || mayRun(program) ? 0 : EINVAL
    if (said !== right) return `attachFilter gives ${said}, by Linux's rules it is ${right}`
    for (const piece of pieces) {
      if (isInstruction(piece)) continue
      const wrong = wrongWith(pair, socket, sender, said === 0 ? program : [], piece.data)
      if (wrong !== undefined) return wrong
    }
    pair.stack.close(socket)
    pair.expectSound()
    return undefined
  },

  show: pieces =>
    pieces
      .map(piece =>
        isInstruction(piece) ? `{ ${piece.instruction.join(', ')} }` : `${piece.data.length} bytes`,
      )
      .join(' '),
}

const asPiece = (made: FilterInstruction): Piece => ({ instruction: made })

/** How much of the datagram arrives, beside what the plain interpreter wants of it. */
function wrongWith(
  pair: Pair,
  socket: Socket,
  sender: Socket,
  program: readonly FilterInstruction[],
  data: readonly number[],
): string | undefined {
  const seen: number[][] = []
  pair.peer.sendTo(sender, Uint8Array.from(data), OWN, PORT)
  const { now } = pair
  pair.peer.output(frame => {
    // Ethernet's header and IP's: the program sees what is behind them.
    if (frame[23] === 17) seen.push([...frame.subarray(34)])
    step(() => pair.stack.input(frame, now), program.length + TURNS_WITHOUT)
    return true
  })
  const [packet] = seen
  if (packet === undefined) return 'the datagram did not come'
  const wanted = program.length === 0 ? packet.length : Math.min(packet.length, reference(program, packet))
  const heard = pair.stack.recvFrom(socket, new Uint8Array(2_000), { address: 0, port: 0 })
  const right = wanted === 0 ? -11 : Math.max(0, wanted - 8)
  return heard === right ? undefined : `recvFrom gives ${heard}, by the second opinion it is ${right}`
}

const KNOWN = [
  0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1, 0x02, 0x03, 0x04, 0x0c, 0x14,
  0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac,
  0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07, 0x87,
]

/** One with so many behind it. */
function instruction(dice: Dice, left: number): FilterInstruction {
  const isOdd = dice.below(120) === 0
  const code = isOdd ? dice.one([dice.below(256), dice.below(0x10000), -1, 0.5, Number.NaN]) : dice.one(KNOWN)
  const jump = () => (dice.below(100) === 0 ? dice.one([255, 256, -1, 0.5]) : dice.below(Math.min(256, left)))
  const far = [0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000, dice.word()]
  const odd = [-1, 2 ** 32, 0.5, Number.NaN]
  const k =
    dice.below(100) === 0
      ? dice.one(odd)
      : dice.chance(0.85)
        ? dice.below(code === 5 ? left : 40)
        : dice.one(far)
  // Shifts and scratch memory have 32 and 16 places: most should be there.
  const small = [0x60, 0x61, 0x02, 0x03].includes(code) ? k % 16 : [0x64, 0x74].includes(code) ? k % 32 : k
  return [code, jump(), jump(), dice.below(30) === 0 ? k : small]
}

/** Linux's bpf_check_classic and check_load_and_stores, rule by rule. */
function mayRun(program: readonly FilterInstruction[]): boolean {
  if (program.length < 1 || program.length > 4_096) return false
  const written: number[] = [0]
  for (const [at, [code, whenTrue, whenFalse, k]] of program.entries()) {
    const fits = [code <= 0xffff, whenTrue <= 255, whenFalse <= 255, k <= 0xffffffff].every(Boolean)
    if (!fits || ![code, whenTrue, whenFalse, k].every(value => Number.isInteger(value) && value >= 0))
      return false
    if (!KNOWN.includes(code)) return false
    if ((code === 0x34 || code === 0x94) && k === 0) return false
    if ((code === 0x64 || code === 0x74) && k >= 32) return false
    const isLoad = code === 0x60 || code === 0x61
    const isStore = code === 0x02 || code === 0x03
    if ((isLoad || isStore) && k >= 16) return false
    const valid = written[at] ?? 0xffff
    if (isLoad && (valid & (1 << k)) === 0) return false
    const isJump = (code & 7) === 5
    const to = code === 5 ? [at + 1 + k] : isJump ? [at + 1 + whenTrue, at + 1 + whenFalse] : [at + 1]
    if (isJump && to.some(next => next >= program.length)) return false
    if ((code & 7) === 6) continue
    for (const next of to) written[next] = (written[next] ?? 0xffff) & (isStore ? valid | (1 << k) : valid)
  }
  const [last] = program.at(-1) ?? [0]
  return last === 0x06 || last === 0x16
}
