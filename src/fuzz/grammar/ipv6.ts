/** IPv6, RFC 8200: a chain of extension headers, and what stands at its end. */
import type { Knowledge, Neighbour } from '../knowledge.ts'
import type { Pen } from '../pen.ts'
import { putIcmp6 } from './icmp6.ts'
import { putTcp } from './tcp.ts'
import { putUdp } from './udp.ts'

export const six = (text: string): number[] => {
  const [head = '', tail = ''] = text.split('::').map(part => part.split(':').filter(group => group !== ''))
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  return groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
}
const ALL_NODES = six('ff02::1')
const GROUPS = [ALL_NODES, six('ff02::2'), six('ff02::fb'), six('ff02::16'), six('ff02::1:ff00:1')]
export const ROUTER = six('fe80::99')
const HEADERS = [0, 43, 44, 60, 60]

export function putIpv6(pen: Pen, known: Knowledge, target: Neighbour): void {
  const { dice } = pen
  const ip = pen.at
  const flow = dice.chance(0.3) ? known.flow(dice, 6) : undefined
  const last = flow ? 6 : dice.one([58, 58, 58, 58, 6, 17, 17, 59, dice.below(256)])
  const chain = dice.below(4) === 0 ? Array.from({ length: dice.between(1, 5) }, () => dice.one(HEADERS)) : []
  pen.u32(0x60000000 | dice.one([0, 0x300000, 0x12345])).u16(0)
  pen.u8(chain[0] ?? last).u8(last === 58 ? dice.one([255, 255, 255, 64, 1]) : dice.one([64, 1, 0]))
  const [from6, to6] = [flow?.from, flow?.to]
  const someone = dice.one([
    dice.one(known.hosts).address6,
    ROUTER,
    ROUTER,
    six('::'),
    six('2001:db8::7'),
    ALL_NODES,
    six('fe80::7'),
  ])
  const target6 = dice.chance(0.6)
    ? target.address6
    : dice.below(30) === 0
      ? six('2001:db8::1')
      : dice.one(GROUPS)
  pen.copy(typeof from6 === 'object' ? from6 : someone).copy(typeof to6 === 'object' ? to6 : target6)
  chain.forEach((kind, i) => {
    putExtension(pen, kind, chain[i + 1] ?? last)
  })
  const from = pen.at
  const pseudo = last + pen.words(ip + 8, ip + 40)
  if (last === 58) putIcmp6(pen, known, target, pseudo)
  else if (last === 6) putTcp(pen, known, flow, pseudo)
  else if (last === 17) putUdp(pen, known, pseudo)
  else pen.noise(dice.below(100))
  if (pen.at - ip > 1_500 && dice.chance(0.95)) pen.at = Math.max(from, ip + 1_500)
  pen.patch16(ip + 4, pen.at - ip - 40)
}

function putExtension(pen: Pen, kind: number, next: number): void {
  const { dice } = pen
  const from = pen.at
  pen.u8(next)
  if (kind === 44) {
    const offset = dice.one([0, 0, 1, 2, 8, 181, 0x1fff, dice.below(0x2000)])
    pen
      .u8(0)
      .u16((offset << 3) | dice.below(2))
      .u32(dice.below(3))
    return
  }
  pen.u8(0)
  if (kind === 43)
    pen
      .u8(dice.one([0, 2, 4]))
      .u8(dice.one([0, 0, 1, 255]))
      .u32(0)
  else
    for (let n = dice.below(4); n > 0; n--) {
      const type = dice.one([0, 1, 5, 0xc2, 0x3e, 0x7e, 0xbe, 0xfe, dice.below(256)])
      const length = type === 5 ? 2 : type === 0xc2 ? 4 : dice.below(10)
      pen.u8(type)
      if (type !== 0) pen.u8(dice.below(15) === 0 ? 255 : length).noise(length)
    }
  while ((pen.at - from) % 8 !== 0) pen.copy([0])
  pen.patch8(from + 1, ((pen.at - from) >> 3) - 1)
}
