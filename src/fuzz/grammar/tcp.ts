/** TCP, RFC 9293, with the options of RFC 2018, 7323 and 7413. */
import type { Flow, Knowledge } from '../knowledge.ts'
import type { Pen } from '../pen.ts'

/** FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, in the mixtures that mean something, and in those that do not. */
const FLAGS = [
  0x10, 0x10, 0x10, 0x18, 0x18, 0x11, 0x02, 0x02, 0x12, 0x04, 0x14, 0x30, 0x38, 0xc2, 0x00, 0x06, 0x3f, 0x03,
]
const NEAR = [0, 0, 0, 0, 1, -1, 2, -2, 100, -100, 1460, -1460, 65_535, -65_535, 0x7fffffff, 0x80000000]

export function putTcp(pen: Pen, known: Knowledge, flow: Flow | undefined, pseudo: number): void {
  const { dice } = pen
  const from = pen.at
  const near = (n: number | undefined) => (n === undefined ? dice.word() : n + dice.one(NEAR))
  const flags = dice.below(20) === 0 ? dice.below(256) : dice.one(FLAGS)
  pen
    .u16(flow?.fromPort ?? dice.between(1_024, 1_100))
    .u16(flow?.toPort ?? dice.one([7, 7, 8, ...known.ports]))
  pen.u32(near(flow?.heard?.seq)).u32(near(flow?.heard?.ack))
  pen
    .u8(0x50)
    .u8(flags)
    .u16(dice.one([0, 1, 1_000, 65_535]))
    .u16(0)
    .u16(dice.one([0, 0, 1, 100, 65_535]))
  if (dice.chance(0.6)) putTcpOptions(pen, flow, (flags & 2) !== 0)
  pen.bytes[from + 12] = ((pen.at - from) >> 2) << 4
  if (dice.below(40) === 0) pen.patch8(from + 12, dice.one([0, 4, 5, 6, 10, 14, 15]) << 4)
  if (dice.chance(0.5)) pen.noise(dice.one([1, 2, 10, 100, 1_400, dice.below(1_460)]))
  pen.sum(from + 16, from, pen.at, pseudo + (pen.at - from))
}

export function putTcpOptions(pen: Pen, flow: Flow | undefined, isSyn: boolean): void {
  const { dice } = pen
  const from = pen.at
  const kinds = isSyn ? [2, 3, 4, 8, 34, 1] : [1, 5, 8, 8, 34, 19, 30]
  for (let n = dice.between(1, 5); n > 0; n--) {
    const kind = dice.below(12) === 0 ? dice.below(256) : dice.one(kinds)
    if (kind < 2) pen.u8(kind)
    else {
      const at = pen.at
      pen.u8(kind).u8(0)
      if (kind === 2) pen.u16(dice.one([0, 1, 64, 536, 1_460, 65_535]))
      else if (kind === 3) pen.u8(dice.one([0, 1, 7, 14, 15, 255]))
      else if (kind === 8)
        pen
          .u32(dice.one([0, 1, (flow?.heard?.tsval ?? dice.word()) + dice.one(NEAR), dice.word()]))
          .u32(dice.one([0, dice.below(100_000), dice.word()]))
      else if (kind === 34) pen.noise(dice.one([0, 4, 8, 16, 3]))
      else if (kind === 5)
        for (let i = dice.between(1, 4); i > 0; i--) {
          const edge = flow?.heard ? flow.heard.ack + dice.below(20_000) - 5_000 : dice.word()
          pen.u32(edge).u32(edge + dice.one([0, 1, 1_460, 5_000, -1]))
        }
      else if (kind !== 4) pen.noise(dice.below(10))
      pen.patch8(at + 1, dice.below(15) === 0 ? dice.one([0, 1, 2, 255, 40]) : pen.at - at)
    }
  }
  pen.at = Math.min(pen.at, from + 40)
  while ((pen.at - from) % 4 !== 0) pen.copy([dice.below(2)])
}
