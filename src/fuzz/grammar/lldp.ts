/** LLDP, IEEE 802.1AB, 8: a list of type, length and value. */
import type { Pen } from '../pen.ts'

export function putLldp(pen: Pen): void {
  const { dice } = pen
  const tlv = (type: number, length: number, lie = 0) =>
    pen.u16((type << 9) | ((length + lie) & 511)).noise(length)
  if (dice.chance(0.9)) tlv(1, 7)
  if (dice.chance(0.9)) tlv(2, dice.between(1, 7))
  if (dice.chance(0.9)) tlv(3, 2)
  for (let n = dice.below(6); n > 0; n--)
    tlv(dice.one([4, 5, 6, 7, 8, 127]), dice.below(40), dice.one([0, 0, 0, 1, 400]))
  if (dice.chance(0.9)) pen.u16(0)
}
