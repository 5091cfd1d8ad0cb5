/** Base64url without padding (RFC 4648, 5), for the key in a link. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export function encodeBase64url(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    bits = ((bits & 0x3f) << 8) | byte
    held += 8
    while (held >= 6) {
      held -= 6
      text += ALPHABET[(bits >>> held) & 0x3f]
    }
  }
  return held > 0 ? text + ALPHABET[(bits << (6 - held)) & 0x3f] : text
}

/** Undefined when a character is not of the alphabet or the spare bits are not zero (RFC 4648, 3.5). */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array((text.length * 6) >>> 3)
  let bits = 0
  let held = 0
  let at = 0
  for (const character of text) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) return undefined
    bits = ((bits & 0xff) << 6) | value
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = bits >>> held
  }
  return held < 6 && (bits & ((1 << held) - 1)) === 0 ? bytes : undefined
}
