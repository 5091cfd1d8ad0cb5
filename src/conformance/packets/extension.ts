/**
 * IPv6's extension headers, RFC 8200, 4, as a script writes them, each in braces, in the order in which they stand:
 *
 *     {hop-by-hop alert 0} {routing type 0 left 1} {fragment} {destination option c2 0000}
 *
 * `{fragment}` is where the fragment header goes: what stands behind it is cut with the payload.
 */
import { bytesOf, hexOf, numberOf, wrong } from '../notation.ts'
import { address6Bytes } from './address6.ts'
import { get16, get32, u16, u32 } from './bytes.ts'

const NUMBERS: Readonly<Record<string, number>> = {
  'hop-by-hop': 0,
  routing: 43,
  fragment: 44,
  destination: 60,
}
const FRAGMENT = 44
const OPTION_PAD_N = 1
const OPTION_ROUTER_ALERT = 5

/** One header behind IPv6's. */
export interface Extension {
  /** What the header before it calls it. */
  readonly number: number
  /** All of it, the first byte (what comes next) left 0. */
  readonly bytes: readonly number[]
}

/** A part of a packet that is cut, bytes of what stands behind the fragment header. */
export interface Cut {
  readonly first: number
  readonly more: boolean
  readonly id: number
}

/** What stands in braces, one after the other. */
export const bracesIn = (text: string): string[] =>
  [...text.matchAll(/\{([^}]*)\}/g)].map(([, inside = '']) => inside.trim())

/** The headers that stand in braces; `cut` is what the fragment header says. */
export function parseExtensions(text: string, cut: Cut): Extension[] {
  return bracesIn(text).map(inside => parseExtension(inside, cut))
}

function parseExtension(text: string, cut: Cut): Extension {
  const [name = '', ...words] = text.split(/\s+/)
  const number = NUMBERS[name]
  switch (name) {
    case 'hop-by-hop':
    case 'destination':
      return { number: number ?? 0, bytes: optionsHeader(words) }
    case 'routing':
      return { number: number ?? 0, bytes: routingHeader(words) }
    case 'fragment':
      return {
        number: FRAGMENT,
        bytes: [0, 0, ...u16(cut.first | (cut.more ? 1 : 0)), ...u32(cut.id)],
      }
    default:
      return wrong(
        `An extension header is one of {hop-by-hop …}, {destination …}, {routing …} and {fragment}; '${name}' is not.`,
      )
  }
}

/** 4.2: options, then padding up to a multiple of 8. `length n` says another length, in its own units. */
function optionsHeader(words: readonly string[]): number[] {
  const options: number[] = []
  let length: number | undefined
  for (let i = 0; i < words.length; ) {
    const [word = '', first = '', second = ''] = words.slice(i)
    if (word === 'length') length = numberOf(first)
    else options.push(...optionBytes(word, first, second))
    i += word === 'option' ? 3 : word === 'pad1' ? 1 : 2
  }
  const missing = (14 - (options.length % 8)) % 8
  if (missing === 1) options.push(0)
  else if (missing > 1)
    options.push(OPTION_PAD_N, missing - 2, ...Array.from({ length: missing - 2 }, () => 0))
  return [0, length ?? (2 + options.length) / 8 - 1, ...options]
}

function optionBytes(word: string, first: string, second: string): number[] {
  switch (word) {
    case 'pad1':
      return [0]
    case 'pad':
      return [OPTION_PAD_N, numberOf(first) - 2, ...Array.from({ length: numberOf(first) - 2 }, () => 0)]
    case 'alert':
      return [OPTION_ROUTER_ALERT, 2, ...u16(numberOf(first))]
    case 'option': {
      const data = second === '-' ? [] : bytesOf(second)
      return [...bytesOf(first), data.length, ...data]
    }
    case 'raw':
      return bytesOf(first)
    default:
      return wrong(
        `An option is one of pad1, pad n, alert n, 'option type data' in hex and raw; '${word}' is not.`,
      )
  }
}

/** 4.4: 'type 0 left 1 via A B' */
function routingHeader(words: readonly string[]): number[] {
  const [type = '', value = '', left = '', count = '', via, ...addresses] = words
  if (type !== 'type' || left !== 'left' || (via !== undefined && via !== 'via'))
    return wrong(
      `A routing header is written like {routing type 0 left 1 via 2001:db8::9}; '${words.join(' ')}' is not.`,
    )
  const path = addresses.flatMap(address6Bytes)
  return [0, path.length / 8, numberOf(value), numberOf(count), 0, 0, 0, 0, ...path]
}

// ---- reading ----------------------------------------------------------------------------------------------------

export interface Chain {
  /** As a script writes it; padding is not. */
  readonly text: string
  /** What stands at its end, and where. */
  readonly next: number
  readonly at: number
  /** Of a packet that was cut, or came with a fragment header. */
  readonly cut: Cut | undefined
}

/** The headers of a packet of the host's, from `first` on, of which IPv6's names the first. */
export function readChain(bytes: readonly number[], first: number, firstNext: number): Chain {
  const shown: string[] = []
  let [next, at] = [firstNext, first]
  let cut: Cut | undefined
  for (;;) {
    const name = Object.entries(NUMBERS).find(([, number]) => number === next)?.[0]
    if (name === undefined) return { text: shown.join(' '), next, at, cut }
    const size = next === FRAGMENT ? 8 : ((bytes[at + 1] ?? 0) + 1) * 8
    if (at + size > bytes.length) throw new Error(`The ${name} header ends behind the packet.`)
    if (next === FRAGMENT) {
      const word = get16(bytes, at + 2)
      cut = { first: word & 0xfff8, more: (word & 1) !== 0, id: get32(bytes, at + 4) }
      shown.push('{fragment}')
    } else shown.push(`{${[name, ...readOptions(bytes.slice(at + 2, at + size))].join(' ')}}`)
    // A fragment that is not the first begins with no header.
    const wasCut = next === FRAGMENT && cut !== undefined && cut.first > 0
    next = bytes[at] ?? 0
    at += size
    if (wasCut) return { text: shown.join(' '), next, at, cut }
  }
}

function readOptions(bytes: readonly number[]): string[] {
  const shown: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const [type = 0, length = 0] = bytes.slice(at)
    const size = type === 0 ? 1 : 2 + length
    const data = bytes.slice(at + 2, at + size)
    if (type === OPTION_ROUTER_ALERT) shown.push(`alert ${get16(data, 0)}`)
    else if (type !== 0 && type !== OPTION_PAD_N) shown.push(`option ${hexOf([type])} ${hexOf(data) || '-'}`)
    at += size
  }
  return shown
}
