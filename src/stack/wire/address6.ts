/** IPv6 addresses as text, RFC 4291, 2.2; written in the one form that RFC 5952, 4 recommends. */
import type { Ipv6 } from '../stack.ts'

/** '2001:db8::1': no leading zeroes, lower case, the longest run of two and more zero groups as '::', the first of equals. */
export function formatIpv6(bytes: ArrayLike<number>, at = 0): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[at + 2 * i] ?? 0) << 8) | (bytes[at + 2 * i + 1] ?? 0),
  )
  let [start, most] = [-1, 1]
  for (let i = 0, run = 0; i < 8; i++) {
    run = groups[i] === 0 ? run + 1 : 0
    if (run > most) [start, most] = [i - run + 1, run]
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':')
  return start < 0 ? text(0, 8) : `${text(0, start)}::${text(start + most, 8)}`
}

/** The 16 bytes of an address in any of RFC 4291's three forms; undefined when it is none. */
export function parseIpv6(text: string): Ipv6 | undefined {
  const halves = text.split('::')
  const [front = '', back] = halves
  if (halves.length > 2) return undefined
  const head = readGroups(front)
  const tail = back === undefined ? [] : readGroups(back)
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  // '::' stands for one group of zeroes at least.
  if (back === undefined ? missing !== 0 : missing < 1) return undefined
  // A dotted quad stands at the end of the whole.
  if (back !== undefined && front.includes('.')) return undefined
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 255]))
}

/** '1:2:3' as three groups; the last may be a dotted quad, which is two. */
function readGroups(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const quad = readQuad(parts.at(-1) ?? '')
  if (quad !== undefined) parts.pop()
  const groups: number[] = []
  for (const part of parts) {
    if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined
    groups.push(Number.parseInt(part, 16))
  }
  return [...groups, ...(quad ?? [])]
}

function readQuad(text: string): [number, number] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = match.slice(1).map(Number)
  return Math.max(a, b, c, d) > 255 ? undefined : [(a << 8) | b, (c << 8) | d]
}
