/** Frames that were seen on the wire, or that led somewhere new, with something about them changed. */
import type { Dice } from '../simulate/dice.ts'

/** `draw` gives one of those frames. */
export function mutated(dice: Dice, draw: () => Uint8Array): Uint8Array {
  let bytes = draw().slice()
  for (let n = dice.between(1, 4); n > 0; n--) {
    const at = dice.below(Math.max(1, bytes.length))
    switch (dice.below(6)) {
      case 0:
        bytes = bytes.slice(0, at)
        break
      case 1: {
        const other = draw()
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...other.subarray(Math.min(at, other.length))])
        break
      }
      case 2:
        bytes[at] = dice.one([0, 1, 127, 128, 254, 255])
        break
      case 3:
        bytes[at] = dice.below(256)
        break
      case 4:
        bytes.copyWithin(at, dice.below(Math.max(1, bytes.length)), bytes.length)
        break
      default:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8))
    }
  }
  return bytes
}

/** The checksums of IPv4 and of what it carries, put right: so that a changed field is looked at. */
export function mended(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 34 || bytes[12] !== 8 || bytes[13] !== 0) return bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const header = ((bytes[14] ?? 0) & 15) * 4
  const total = view.getUint16(16)
  if (header < 20 || total < header || 14 + total > bytes.length) return bytes
  put(view, 24, 14, 14 + header, 0)
  const payload = 14 + header
  const protocol = bytes[23] ?? 0
  const place = new Map([
    [1, 2],
    [2, 2],
    [6, 16],
    [17, 6],
  ]).get(protocol)
  const end = 14 + total
  if (place === undefined || payload + place + 2 > end) return bytes
  let pseudo = 0
  if (protocol > 2) {
    pseudo = protocol + end - payload
    for (let i = 26; i < 34; i += 2) pseudo += view.getUint16(i)
  }
  put(view, payload + place, payload, end, pseudo)
  return bytes
}

function put(view: DataView, at: number, from: number, to: number, pseudo: number): void {
  view.setUint16(at, 0)
  let sum = pseudo
  for (let i = from; i < to; i += 2) sum += i + 1 < to ? view.getUint16(i) : view.getUint8(i) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(at, ~sum & 0xffff)
}
