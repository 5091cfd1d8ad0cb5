/** UDP, RFC 768, and what speaks over it here: DHCP, DNS, mDNS. */
import type { Knowledge } from '../knowledge.ts'
import type { Pen } from '../pen.ts'
import { putDhcp } from './dhcp.ts'
import { putDns } from './dns.ts'

export function putUdp(pen: Pen, known: Knowledge, pseudo: number): void {
  const { dice } = pen
  const from = pen.at
  const [port, to, put] = dice.one<[number, number, ((pen: Pen, known: Knowledge) => void) | undefined]>([
    [dice.one(known.ports), 9, undefined],
    [53, dice.one(known.ports), putDns],
    [5_353, 5_353, putDns],
    [dice.one(known.ports), 5_353, putDns],
    [67, 68, putDhcp],
    [68, 67, putDhcp],
    [dice.below(65_536), dice.below(65_536), undefined],
  ])
  pen.u16(port).u16(to).u16(0).u16(0)
  if (put === undefined) pen.noise(dice.one([0, 1, dice.below(1_400)]))
  else put(pen, known)
  pen.patch16(from + 4, pen.at - from)
  pen.sum(from + 6, from, pen.at, pseudo + (pen.at - from))
}
