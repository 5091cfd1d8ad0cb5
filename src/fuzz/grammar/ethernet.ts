/** A frame of any kind that the stack speaks, header by header. */
import type { Knowledge } from '../knowledge.ts'
import type { Pen } from '../pen.ts'
import { putArp } from './arp.ts'
import { putIpv4 } from './ipv4.ts'
import { putIpv6 } from './ipv6.ts'
import { putLldp } from './lldp.ts'

const BROADCAST = [255, 255, 255, 255, 255, 255]
const LLDP_GROUP = [1, 0x80, 0xc2, 0, 0, 0x0e]

export function frame(pen: Pen, known: Knowledge): Uint8Array {
  const { dice } = pen
  pen.begin(dice.one([0, 0, 0.01, 0.03, 0.1, 0.3]))
  const target = known.target(dice)
  const kind = dice.below(100)
  pen.copy(dice.below(30) === 0 ? BROADCAST : target.mac)
  pen.copy(dice.below(10) === 0 ? [2, 0, 0, 0, 9, dice.below(40)] : dice.one(known.hosts).mac)
  if (kind < 55) putIpv4(pen.u16(0x0800), known, target)
  else if (kind < 82) putIpv6(pen.u16(0x86dd), known, target)
  else if (kind < 93) putArp(pen.u16(0x0806), known, target)
  else if (kind < 97) {
    pen.bytes.set(LLDP_GROUP)
    putLldp(pen.u16(0x88cc))
  } else pen.u16(dice.one([0, 46, 0x0600, 0x8100, 0x88cc, dice.below(65_536)])).noise(dice.below(200))
  aim(pen, known)
  // Padded to Ethernet's least length, or with something behind it, or cut.
  if (dice.chance(0.3)) pen.fill(0, Math.max(0, 60 - pen.at))
  if (dice.below(50) === 0) pen.noise(dice.below(60))
  if (dice.below(50) === 0) pen.at = dice.below(pen.at + 1)
  return pen.end()
}

/** What is for a group, for all or for a host that is known goes to the MAC address of those. */
function aim({ bytes, dice }: Pen, known: Knowledge): void {
  if (dice.below(50) === 0) return
  const [isFour, isSix] = [bytes[12] === 8 && bytes[13] === 0, bytes[12] === 0x86]
  if (isFour && ((bytes[30] ?? 0) & 0xf0) === 0xe0)
    bytes.set([1, 0, 0x5e, (bytes[31] ?? 0) & 127, bytes[32] ?? 0, bytes[33] ?? 0])
  else if (isFour && bytes[33] === 255) bytes.set(BROADCAST)
  else if (isSix && bytes[38] === 0xff) bytes.set([0x33, 0x33, ...bytes.slice(50, 54)])
  else if (isFour || isSix) {
    const host = known.hosts.find(({ address, address6 }) =>
      isFour
        ? [24, 16, 8, 0].every((shift, i) => bytes[30 + i] === ((address >>> shift) & 255))
        : Array.from(address6).every((byte, i) => bytes[38 + i] === byte),
    )
    if (host !== undefined) bytes.set(host.mac)
  }
}
