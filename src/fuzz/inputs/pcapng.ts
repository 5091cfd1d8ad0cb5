/**
 * Capture files (draft-ietf-opsawg-pcapng): blocks of all kinds in both byte orders, with lengths that lie, and files of our own
 * with something changed. A piece is a block.
 *
 * Right is: the frames, as a second reader finds them, and the same again when they are written and read; or one sentence.
 */
import { PcapngError, type PcapngFile, readPcapng, writePcapng } from '../../link/pcapng.ts'
import type { Dice } from '../../simulate/dice.ts'
import { changed, edge, noise, times, u16, u32 } from './bytes.ts'
import { hexOf, type Input, isSentence, step } from './input.ts'

interface Block {
  readonly bytes: readonly number[]
  /** As the draft has it: a file of such blocks must be read. */
  readonly honest: boolean
}

const SECTION = 0x0a0d0d0a
const MAGIC = 0x1a2b3c4d

export const pcapng: Input<Block> = {
  name: 'pcapng',
  round: 400,

  draw(dice) {
    if (dice.chance(0.3)) return ofOurs(dice)
    const pen = new BlockPen(dice, dice.chance(0.5), dice.one([0, 0, 0.03, 0.2]))
    const interfaces = dice.between(1, 3)
    const more = times(dice.between(0, 6), () => pen.any(interfaces))
    const tail = dice.below(10) === 0 ? [{ bytes: noise(dice, dice.between(1, 20)), honest: false }] : []
    return [pen.section(), ...times(interfaces, () => pen.interface()), ...more, ...tail]
  },

  fault(blocks) {
    const bytes = Uint8Array.from(blocks.flatMap(block => block.bytes))
    const read = readOr(bytes)
    if (typeof read === 'string') {
      if (!isSentence(read)) return `it says '${read}'`
      return blocks.every(block => block.honest) && isBegun(blocks)
        ? `an honest file is refused: ${read}`
        : undefined
    }
    if (read.packets.reduce((sum, packet) => sum + packet.bytes.length, 0) > bytes.length)
      return 'there are more bytes in the frames than in the file'
    const second = secondOpinion(bytes)
    if (second !== framesOf(read)) return `the frames are ${framesOf(read)}, another reader finds ${second}`
    const again = step(() => readOr(new Uint8Array(writePcapng(read))))
    return JSON.stringify(again) === JSON.stringify(read)
      ? undefined
      : 'written and read again it is another file'
  },

  show: blocks => hexOf(blocks.flatMap(block => block.bytes)),
}

/** The shrinker leaves out blocks without which no file is honest. */
const isBegun = ([first, second]: readonly Block[]): boolean =>
  first?.bytes[0] === 10 && (second?.bytes.includes(1) ?? false)

function readOr(bytes: Uint8Array): PcapngFile | string {
  try {
    return step(() => readPcapng(bytes))
  } catch (error) {
    if (error instanceof PcapngError) return error.message
    throw error
  }
}

const framesOf = ({ packets }: PcapngFile): string =>
  packets.map(packet => `${packet.interface} ${hexOf([...packet.bytes])}`).join()

/** What Enhanced Packet Blocks hold, read the plain way, in a file whose blocks are in order. */
function secondOpinion(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer)
  const little = bytes[8] === 0x4d
  const found: string[] = []
  for (let at = 0; at < bytes.length; at += view.getUint32(at + 4, little)) {
    if (view.getUint32(at, little) !== 6) continue
    const length = view.getUint32(at + 20, little)
    found.push(`${view.getUint32(at + 8, little)} ${hexOf([...bytes.subarray(at + 28, at + 28 + length)])}`)
  }
  return found.join()
}

/** A file that our writer made, block by block, and mostly changed. */
function ofOurs(dice: Dice): Block[] {
  const file: PcapngFile = {
    interfaces: times(dice.between(1, 3), i => dice.one(['alice', 'bob', 'ünïcode', '\ufeffmark', `p${i}`])),
    packets: times(dice.between(0, 5), () => ({
      interface: 0,
      time: dice.word() * 400_000,
      bytes: Uint8Array.from(noise(dice, dice.one([0, 1, 14, 60, 61, 1514]))),
      comment: dice.one([undefined, '', 'Dropped at bob: naïve.', '\ufeff', 'x'.repeat(300)]),
    })),
  }
  const bytes = [...new Uint8Array(writePcapng(file))]
  const honest = dice.chance(0.2)
  const blocks: Block[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at + 4] ?? 0) + ((bytes[at + 5] ?? 0) << 8)
    const block = bytes.slice(at, at + length)
    const lies = !honest && dice.chance(0.4)
    blocks.push({ bytes: lies ? changed(dice, block) : block, honest: !lies })
    at += length
  }
  return blocks
}

/** Writes blocks; with so much mischief in each number. */
class BlockPen {
  readonly #dice: Dice
  readonly #little: boolean
  readonly #mischief: number
  #honest = true

  constructor(dice: Dice, little: boolean, mischief: number) {
    this.#dice = dice
    this.#little = little
    this.#mischief = mischief
  }

  #lie(value: number): number {
    if (!this.#dice.chance(this.#mischief)) return value
    this.#honest = false
    return edge(this.#dice, value)
  }

  #u16 = (value: number): number[] => u16(this.#lie(value), this.#little)
  #u32 = (value: number): number[] => u32(this.#lie(value), this.#little)

  #block(type: number, body: readonly number[]): Block {
    const length = 12 + body.length
    const bytes = [...this.#u32(type), ...this.#u32(length), ...body, ...this.#u32(length)]
    const { bytes: whole, honest } = { bytes, honest: this.#honest }
    this.#honest = true
    return { bytes: whole, honest }
  }

  #option(code: number, value: readonly number[]): number[] {
    return [...this.#u16(code), ...this.#u16(value.length), ...value, ...times(-value.length & 3, () => 0)]
  }

  /** Some options, ended by opt_endofopt or by the block. */
  #options(codes: readonly number[]): number[] {
    const dice = this.#dice
    const all = times(dice.below(4), () =>
      this.#option(dice.one(codes), noise(dice, dice.one([0, 1, 3, 4, 8, 40]))),
    )
    return [...all.flat(), ...(dice.chance(0.6) ? this.#option(0, []) : [])]
  }

  section(): Block {
    const dice = this.#dice
    const length = dice.one([
      [0xffffffff, 0xffffffff],
      [0, 1000],
      [0, 0],
    ])
    const body = [...this.#u32(MAGIC), ...this.#u16(1), ...this.#u16(0), ...length.flatMap(this.#u32)]
    return this.#block(SECTION, [...body, ...this.#options([1, 2, 3, 4])])
  }

  interface(): Block {
    const dice = this.#dice
    const usual = dice.chance(0.7)
    // By coarser units the times below are none that a number of microseconds can say.
    if (!usual) this.#honest = false
    const exponent = usual ? dice.one([6, 9, 0x80 | 20, 0x80 | 30]) : dice.below(256)
    const resolution = usual && dice.chance(0.3) ? [] : this.#option(9, [exponent])
    const body = [...this.#u16(1), ...this.#u16(0), ...this.#u32(dice.one([0, 65535, 0x40000]))]
    return this.#block(1, [...body, ...resolution, ...this.#options([1, 2, 3, 4, 11, 12, 14])])
  }

  #packet(interfaces: number): Block {
    const dice = this.#dice
    const data = noise(dice, dice.one([0, 1, 14, 42, 60, 61]))
    // Both lengths may tell the same lie.
    const isFalse = this.#mischief > 0 && dice.below(12) === 0
    if (isFalse) this.#honest = false
    const length = isFalse ? edge(dice, data.length) : data.length
    const words = [
      dice.below(interfaces),
      dice.below(0x60000),
      dice.word(),
      length,
      length + (isFalse ? 0 : dice.one([0, 0, 100])),
    ]
    const padding = times(-data.length & 3, () => 0)
    return this.#block(6, [...words.flatMap(this.#u32), ...data, ...padding, ...this.#options([1, 2, 3, 4])])
  }

  /** Simple packets, names, statistics, custom ones, and what nobody knows. */
  #other(): Block {
    const dice = this.#dice
    const type = dice.one([3, 4, 5, 2, 10, 0xbad, 0x40000bad, 0x80000001])
    const body = noise(dice, 4 * dice.below(12))
    return this.#block(type, type === 3 ? [...this.#u32(body.length), ...body] : body)
  }

  any(interfaces: number): Block {
    const which = this.#dice.below(12)
    if (which === 0) return this.interface()
    if (which === 1) return { ...this.section(), honest: false }
    return which < 5 ? this.#other() : this.#packet(interfaces)
  }
}
