/** ICMP, RFC 792, with the packets that its errors quote, and IGMP, RFC 2236. */
import type { Knowledge, Neighbour } from '../knowledge.ts'
import type { Pen } from '../pen.ts'

export function putIcmp(pen: Pen, known: Knowledge, target: Neighbour): void {
  const { dice } = pen
  const from = pen.at
  const type = dice.one([0, 3, 3, 3, 4, 5, 8, 8, 11, 12, 13, 14, 15, 17, dice.below(256)])
  const isError = [3, 4, 5, 11, 12].includes(type)
  pen
    .u8(type)
    .u8(type === 3 ? dice.below(16) : dice.one([0, 0, 1, 2]))
    .u16(0)
  if (type === 5) pen.u32(dice.one([dice.one(known.hosts).address, 0x0a000010 + dice.below(60), dice.word()]))
  else pen.u16(dice.below(3)).u16(dice.one([0, 68, 296, 576, 1_400, dice.below(65_536)]))
  if (isError) putQuote(pen, known, target)
  else pen.noise(dice.one([0, 12, 56, dice.below(1_400)]))
  pen.sum(from + 2, from)
}

/** A datagram that the target may have sent. */
function putQuote(pen: Pen, known: Knowledge, target: Neighbour): void {
  const { dice } = pen
  const ip = pen.at
  const flow = known.flow(dice, 4, 'from')
  const protocol = dice.one([6, 6, 17, 1])
  pen.u8(0x45).u8(0).u16(40).u16(dice.below(3)).u16(0x4000).u8(64).u8(protocol).u16(0)
  pen.u32(Number(flow?.from ?? target.address)).u32(Number(flow?.to ?? dice.one(known.hosts).address))
  pen.sum(ip + 10, ip)
  pen.u16(protocol === 6 && flow ? flow.fromPort : dice.one(known.ports))
  pen.u16(protocol === 6 && flow ? flow.toPort : dice.one(known.ports))
  pen.u32(flow?.heard ? flow.heard.seq - dice.below(3_000) : dice.word())
  if (dice.chance(0.5)) pen.noise(dice.below(60))
}

export function putIgmp(pen: Pen): void {
  const { dice } = pen
  const from = pen.at
  pen
    .u8(dice.one([0x11, 0x11, 0x12, 0x16, 0x17, 0x22, dice.below(256)]))
    .u8(dice.below(256))
    .u16(0)
  pen.u32(dice.one([0, 0xe00000fb, 0xe0000007, dice.word()]))
  if (dice.below(4) === 0) pen.noise(dice.below(40))
  pen.sum(from + 2, from)
}
