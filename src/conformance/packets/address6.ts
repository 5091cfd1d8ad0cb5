/** IPv6 addresses as text and as bytes, RFC 4291, 2.2; the text in RFC 5952's form. The plain way. */
import { wrong } from '../notation.ts'
import { u16 } from './bytes.ts'

const groupsOf = (part: string): number[] =>
  part === ''
    ? []
    : part.split(':').map(group => (/^[0-9a-f]{1,4}$/.test(group) ? Number.parseInt(group, 16) : -1))

export function address6Bytes(text: string): number[] {
  const [head = '', tail, more] = text.split('::')
  const [front, back] = [groupsOf(head), groupsOf(tail ?? '')]
  const middle = 8 - front.length - back.length
  const groups = [...front, ...Array.from({ length: Math.max(0, middle) }, () => 0), ...back]
  const fits = tail === undefined ? middle === 0 : middle > 0
  if (more !== undefined || !fits || groups.includes(-1)) return wrong(`'${text}' is not an IPv6 address.`)
  return groups.flatMap(u16)
}

/** Lower case, no leading zeroes, the longest run of two or more zero groups as '::', the first of equals. */
export function address6Text(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  const runs = [...`${groups.map(group => (group === '0' ? '0' : 'x')).join('')}`.matchAll(/0{2,}/g)]
  const longest = runs.reduce<RegExpMatchArray | undefined>(
    (best, run) => (run[0].length > (best?.[0].length ?? 0) ? run : best),
    undefined,
  )
  if (longest?.index === undefined) return groups.join(':')
  const behind = longest.index + longest[0].length
  return `${groups.slice(0, longest.index).join(':')}::${groups.slice(behind).join(':')}`
}

/** RFC 4291, 2.7.1: the group that everybody with an address like this one is in. */
export const solicitedNode = (address: string): string =>
  address6Text([...address6Bytes('ff02::1:ff00:0').slice(0, 13), ...address6Bytes(address).slice(13)])

export const isGroup6 = (bytes: readonly number[]): boolean => bytes.length === 16 && bytes[0] === 0xff
export const isLinkLocal6 = (address: string): boolean => /^fe[89ab]/.test(address)
