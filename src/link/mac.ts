/**
 * MAC addresses outside the stack: as two numbers, the upper 16 and the lower 32 bits (as in wire/ethernet.ts), so
 * that no frame costs a string; and as text for people.
 */

const byte = (bytes: Uint8Array, at: number): number => bytes[at] as number

/** The upper 16 bits, unsigned. */
export const macHighAt = (bytes: Uint8Array, at: number): number =>
  (byte(bytes, at) << 8) | byte(bytes, at + 1)

/** The lower 32 bits, signed. */
export const macLowAt = (bytes: Uint8Array, at: number): number =>
  (byte(bytes, at + 2) << 24) | (byte(bytes, at + 3) << 16) | (byte(bytes, at + 4) << 8) | byte(bytes, at + 5)

/** IEEE 802, 8.2: the lowest bit of the first octet marks a group. */
export const isGroup = (high: number): boolean => (high & 0x0100) !== 0

/** 'xx:xx:xx:xx:xx:xx'. */
export const macText = (mac: Uint8Array): string =>
  Array.from(mac, octet => octet.toString(16).padStart(2, '0')).join(':')

/** The 6 bytes of 'xx:xx:xx:xx:xx:xx', or undefined when it is not that. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined
  return Uint8Array.from(text.split(':'), octet => Number.parseInt(octet, 16))
}
