/** What one end says to the other: bytes that tell their place, so that one that is lost, doubled or another's is found out. */

const said = (id: number, side: number, offset: number): number =>
  (offset * 31 + (offset >>> 8) * 17 + id * 59 + side * 101) & 255

/** The bytes from `offset` on. */
export function saying(id: number, side: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = said(id, side, offset + i)
  return bytes
}

/** Undefined when the bytes are what was said at `offset`, else what is wrong with them. */
export function checkSaid(id: number, side: number, offset: number, bytes: Uint8Array): string | undefined {
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i] !== said(id, side, offset + i))
      return `byte ${offset + i} of ${id} is ${bytes[i]}, not ${said(id, side, offset + i)}`
  return undefined
}
