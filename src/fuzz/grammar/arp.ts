/** ARP, RFC 826, and the probes and claims of RFC 5227. */
import type { Knowledge, Neighbour } from '../knowledge.ts'
import type { Pen } from '../pen.ts'

export function putArp(pen: Pen, known: Knowledge, target: Neighbour): void {
  const { dice } = pen
  const sender = dice.one(known.hosts)
  const stranger = 0x0a000010 + dice.below(60)
  pen.u16(1).u16(0x0800).u8(6).u8(4)
  pen.u16(dice.one([1, 1, 1, 2, 2, 3]))
  pen.copy(dice.chance(0.5) ? sender.mac : [2, 0, 0, 0, 9, dice.below(40)])
  pen.u32(dice.one([sender.address, stranger, stranger, 0, target.address]))
  pen.copy(dice.chance(0.5) ? target.mac : [0, 0, 0, 0, 0, 0])
  pen.u32(dice.one([target.address, target.address, stranger, 0xa9fe0102]))
}
