/** IPv4, RFC 791: options, fragments, and what it carries. */
import type { Knowledge, Neighbour } from '../knowledge.ts'
import type { Pen } from '../pen.ts'
import { putIcmp, putIgmp } from './icmp.ts'
import { putTcp } from './tcp.ts'
import { putUdp } from './udp.ts'

const GROUPS = [0xe0000001, 0xe00000fb, 0xe0000016, 0xe0000007]

export function putIpv4(pen: Pen, known: Knowledge, target: Neighbour): void {
  const { dice } = pen
  const ip = pen.at
  const sender = dice.one(known.hosts)
  const flow = dice.chance(0.3) ? known.flow(dice, 4) : undefined
  const protocol = flow ? 6 : dice.one([1, 1, 2, 6, 6, 17, 17, 17, 17, dice.below(256)])
  pen
    .u8(0x45)
    .u8(dice.one([0, 0, 0, 1, 2, 3, 0xc0]))
    .u16(0)
  pen.u16(dice.below(4) === 0 ? dice.below(65_536) : dice.below(3))
  pen.u16(dice.below(8) === 0 ? fragment(pen) : dice.one([0, 0x4000]))
  pen
    .u8(dice.one([64, 64, 255, 1, 0]))
    .u8(protocol)
    .u16(0)
  pen.u32(
    Number(
      flow?.from ??
        dice.one([sender.address, sender.address, 0x0a000010 + dice.below(60), 0x0a010007, 0, dice.word()]),
    ),
  )
  const all = protocol === 2 || (protocol !== 6 && dice.below(3) === 0)
  const other = dice.below(30) === 0 ? dice.word() : target.address
  pen.u32(Number(flow?.to ?? (all ? dice.one([...GROUPS, 0xffffffff, 0x0a0000ff]) : other)))
  if (dice.below(12) === 0) putOptions(pen, target)
  const header = pen.at - ip
  pen.bytes[ip] = 0x40 | (header >> 2)
  if (pen.mischief > 0 && dice.below(60) === 0) pen.patch8(ip, dice.below(256))
  const payload = pen.at
  if (protocol === 1) putIcmp(pen, known, target)
  else if (protocol === 2) putIgmp(pen)
  else if (protocol === 6) putTcp(pen, known, flow, 6 + pen.words(ip + 12, ip + 20))
  else if (protocol === 17) putUdp(pen, known, 17 + pen.words(ip + 12, ip + 20))
  else pen.noise(dice.below(200))
  if (pen.at - ip > 1_500 && dice.chance(0.95)) pen.at = ip + 1_500
  pen.patch16(ip + 2, pen.at - ip)
  pen.sum(ip + 10, ip, payload)
}

/** More to follow or not, and an offset in eights of bytes: such that pieces touch, overlap and leave holes. */
const fragment = ({ dice }: Pen): number =>
  dice.one([0, 0x2000]) | dice.one([0, 0, 1, 2, 3, 8, 92, 185, 184, 0x1fff, 0x1ffe, dice.below(0x2000)])

/** Routes, times, alerts and nonsense, in 40 bytes at most, of which the lengths and pointers lie. */
function putOptions(pen: Pen, target: Neighbour): void {
  const { dice } = pen
  const from = pen.at
  for (let n = dice.between(1, 3); n > 0; n--) {
    const type = dice.one([0, 1, 7, 0x44, 0x83, 0x89, 0x94, dice.below(256)])
    if (pen.at - from > 30) break
    if (type < 2) pen.u8(type)
    else {
      const words = dice.below(4)
      const length = type === 0x94 ? 4 : 3 + words * 4 + (type === 0x44 ? 1 : 0)
      pen.u8(type).u8(dice.below(6) === 0 ? dice.below(256) : length)
      if (type === 0x94) pen.u16(0)
      else {
        pen.u8(dice.one([4, 5, 8, 1, 0, 255]))
        if (type === 0x44) pen.u8(dice.below(256))
        for (let i = 0; i < words; i++) pen.u32(dice.one([target.address, 0, dice.word()]))
      }
    }
  }
  pen.at = Math.min(pen.at, from + 40)
  while ((pen.at - from) % 4 !== 0) pen.copy([dice.below(2)])
}
