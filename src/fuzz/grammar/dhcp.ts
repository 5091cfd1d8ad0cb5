/** DHCP, RFC 2131 and 2132: the fixed fields, then options, of which some say that more stand in the fields for names. */
import type { Knowledge } from '../knowledge.ts'
import type { Pen } from '../pen.ts'

export function putDhcp(pen: Pen, known: Knowledge): void {
  const { dice } = pen
  const address = () =>
    dice.one([0, 0x0a000064 + dice.below(25), 0x0a000001, dice.one(known.hosts).address, dice.word()])
  pen
    .u8(dice.between(1, 2))
    .u8(1)
    .u8(6)
    .u8(0)
    .u32(dice.one([...known.transactions, ...known.transactions, dice.word()]))
  pen.u16(dice.below(10)).u16(dice.one([0, 0x8000]))
  for (let i = 0; i < 4; i++) pen.u32(address())
  pen.copy(dice.chance(0.5) ? dice.one(known.hosts).mac : [2, 0, 0, 0, 9, dice.below(40)]).fill(0, 10)
  if (dice.below(6) === 0) putOptions(pen, address)
  while (pen.at % 4 !== 0) pen.copy([0])
  pen.fill(0, 192).u32(0x63825363)
  pen.u8(53).u8(1).u8(dice.between(1, 8))
  putOptions(pen, address)
  if (dice.chance(0.9)) pen.u8(255)
}

/** A client's message as it should be: of a type, with the addresses that it has, asks for and has chosen, 0 for none. */
export function putDhcpMessage(
  pen: Pen,
  fields: {
    readonly mac: ArrayLike<number>
    readonly id: number
    readonly type: number
    readonly current: number
    readonly requested: number
    readonly server: number
  },
): void {
  pen.u8(1).u8(1).u8(6).u8(0).u32(fields.id).u16(0).u16(0)
  pen
    .u32(fields.current)
    .u32(0)
    .u32(0)
    .u32(0)
    .copy(fields.mac)
    .fill(0, 10 + 192)
    .u32(0x63825363)
  pen.u8(53).u8(1).u8(fields.type)
  if (fields.requested !== 0) pen.u8(50).u8(4).u32(fields.requested)
  if (fields.server !== 0) pen.u8(54).u8(4).u32(fields.server)
  if (pen.dice.below(3) === 0) pen.u8(61).u8(3).noise(3)
  pen.u8(55).u8(4).u8(1).u8(3).u8(6).u8(15).u8(255)
}

function putOptions(pen: Pen, address: () => number): void {
  const { dice } = pen
  for (let n = dice.below(8); n > 0; n--) {
    const code = dice.one([0, 1, 3, 6, 12, 15, 50, 51, 52, 54, 55, 56, 57, 58, 59, 61, 81, dice.below(255)])
    if (code === 0) {
      pen.u8(0)
      continue
    }
    const at = pen.at
    pen.u8(code).u8(0)
    if ([1, 3, 6, 50, 54].includes(code)) for (let i = dice.between(1, 4); i > 0; i--) pen.u32(address())
    else if ([51, 58, 59].includes(code)) pen.u32(dice.one([0, 1, 60, 3_600, 0x7fffffff, 0xffffffff]))
    else if (code === 52) pen.u8(dice.between(0, 4))
    else pen.noise(dice.one([0, 1, 2, 7, dice.below(64), dice.below(250)]))
    pen.patch8(at + 1, dice.below(15) === 0 ? dice.one([0, 1, 255, 3]) : pen.at - at - 2)
  }
}
