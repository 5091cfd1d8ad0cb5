/** ICMPv6, RFC 4443; neighbour discovery, RFC 4861, with its options; MLD, RFC 2710 and 3810. */
import type { Knowledge, Neighbour } from '../knowledge.ts'
import type { Pen } from '../pen.ts'

export function putIcmp6(pen: Pen, known: Knowledge, target: Neighbour, pseudo: number): void {
  const { dice } = pen
  const from = pen.at
  const someone = () =>
    dice.one([target.address6, dice.one(known.hosts).address6, stranger(dice.below(40)), ...known.addresses6])
  const type = dice.one([
    1,
    2,
    3,
    4,
    128,
    129,
    130,
    131,
    132,
    133,
    134,
    134,
    134,
    135,
    135,
    136,
    136,
    137,
    143,
    dice.below(256),
  ])
  pen
    .u8(type)
    .u8(type < 5 ? dice.below(8) : 0)
    .u16(0)
  if (type < 5) {
    pen.u32(dice.one([0, 68, 1_280, 1_400, dice.word()]))
    putQuote6(pen, known, target.address6, someone())
  } else if (type === 128 || type === 129) pen.u16(dice.below(3)).u16(dice.below(3)).noise(dice.below(1_300))
  else if (type === 134) {
    pen
      .u8(dice.one([0, 64, 255]))
      .u8(dice.one([0, 0xc0, 0x08, 0x18]))
      .u16(dice.one([0, 1, 1_800, 65_535]))
    pen.u32(dice.one([0, 30_000, 0xffffffff])).u32(dice.one([0, 1, 1_000, 0xffffffff]))
    putNdOptions(pen)
  } else if (type >= 133 && type <= 137) {
    pen.u32(type === 136 ? dice.one([0, 0x60000000, 0xe0000000, 0x20000000]) : 0)
    if (type !== 133) pen.copy(someone())
    if (type === 137) pen.copy(someone())
    putNdOptions(pen)
  } else if (type >= 130 && type <= 132)
    pen
      .u16(dice.one([0, 1, 10_000, 65_535]))
      .u16(0)
      .copy(dice.one([new Uint8Array(16), GROUP]))
      .noise(dice.one([0, 0, 4]))
  else pen.noise(dice.below(60))
  pen.sum(from + 2, from, pen.at, pseudo + (pen.at - from))
}

/** A packet that the target may have sent: a segment of one of its connections, or something else. */
function putQuote6(pen: Pen, known: Knowledge, from: ArrayLike<number>, to: ArrayLike<number>): void {
  const { dice } = pen
  const flow = dice.chance(0.5) ? known.flow(dice, 6, 'from') : undefined
  pen.u32(0x60000000).u16(20)
  pen.u8(flow ? 6 : dice.one([6, 17, 58, 44])).u8(64)
  pen
    .copy(typeof flow?.from === 'object' ? flow.from : from)
    .copy(typeof flow?.to === 'object' ? flow.to : to)
  pen.u16(flow?.fromPort ?? dice.one(known.ports)).u16(flow?.toPort ?? dice.one(known.ports))
  pen.u32(flow?.heard ? flow.heard.seq - dice.below(3_000) : dice.word()).noise(dice.below(40))
}

const GROUP = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb]
const stranger = (n: number): number[] => [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, n]

/** RFC 4861, 4.2: a router, a prefix of its link from which addresses are made, and a name server. */
export function putAdvertisement(pen: Pen, prefix: number, pseudo: number): void {
  const { dice } = pen
  const from = pen.at
  pen.u8(134).u8(0).u16(0).u8(64).u8(0).u16(1_800).u32(0).u32(0)
  pen.u8(1).u8(1).copy([2, 0, 0, 0, 0, 0x99])
  pen.u8(3).u8(4).u8(64).u8(0xc0)
  pen
    .u32(dice.one([86_400, 86_400, 7_300, 0]))
    .u32(dice.one([14_400, 0]))
    .u32(0)
  pen.copy([0x20, 1, 0xd, 0xb8, 0, 0, 0, prefix, 0, 0, 0, 0, 0, 0, 0, 0])
  pen
    .u8(25)
    .u8(3)
    .u16(0)
    .u32(dice.one([600, 0]))
    .copy(stranger(1))
  pen.sum(from + 2, from, pen.at, pseudo + (pen.at - from))
}

/** RFC 4861, 4.6; RFC 4191, 2.3; RFC 8106, 5. Lengths are in eights of bytes, and 0 is none. */
function putNdOptions(pen: Pen): void {
  const { dice } = pen
  for (let n = dice.below(5); n > 0; n--) {
    const at = pen.at
    const type = dice.one([1, 2, 3, 3, 4, 5, 24, 25, 31, dice.below(256)])
    pen.u8(type).u8(0)
    if (type === 1 || type === 2) pen.copy([2, 0, 0, 0, 9, dice.below(40)])
    else if (type === 3) {
      pen.u8(dice.one([64, 64, 0, 128, 129, 48])).u8(dice.one([0xc0, 0x80, 0x40, 0]))
      for (let i = 0; i < 2; i++) pen.u32(dice.one([0, 1, 7_200, 0xffffffff]))
      pen.u32(0).copy([0x20, 1, 0xd, 0xb8, 0, 0, 0, dice.below(30), 0, 0, 0, 0, 0, 0, 0, 0])
    } else if (type === 5) pen.u16(0).u32(dice.one([0, 1_280, 1_400, 1_500, 9_000]))
    else if (type === 25) {
      pen.u16(0).u32(dice.one([0, 600, 0xffffffff]))
      for (let i = dice.below(4); i > 0; i--) pen.copy(stranger(i))
    } else pen.noise(6 + 8 * dice.below(3))
    while ((pen.at - at) % 8 !== 0) pen.copy([0])
    pen.patch8(at + 1, dice.below(15) === 0 ? dice.one([0, 255, 1]) : (pen.at - at) >> 3)
  }
}
