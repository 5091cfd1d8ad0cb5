/** The words of a script's lines: what may stand behind a packet's head, and what kind of value each word has. */

/** What stands behind a packet's head: words, some with a value. A value of '*' is any. */
export type Fields = ReadonlyMap<string, string>

/** What is wrong with a line, in one sentence. */
export class NotationError extends Error {}

export const wrong = (sentence: string): never => {
  throw new NotationError(sentence)
}

/** What kind of value follows a word. */
export type Value = 'none' | 'number' | 'address' | 'hex' | 'range' | 'word' | 'headers'
export type Words = Readonly<Record<string, Value>>

/** The link's own words, which fit any packet; `on` is its number, 0 if it is not said. */
export const LINK_WORDS: Words = {
  on: 'number',
  'link-to': 'word',
  'link-from': 'word',
  cut: 'number',
  pad: 'number',
}
/** IP's own, of both versions: each fits any packet that has them. Sizes in bytes. Extension headers stand in braces. */
export const IP_WORDS: Words = {
  ...LINK_WORDS,
  from: 'address',
  to: 'address',
  ttl: 'number',
  tos: 'number',
  id: 'number',
  df: 'none',
  'no-df': 'none',
  'ip-options': 'hex',
  'ip-version': 'number',
  'ip-header': 'number',
  'ip-length': 'number',
  protocol: 'number',
  'bad-ip-checksum': 'none',
  hops: 'number',
  class: 'number',
  label: 'number',
  headers: 'headers',
  fragment: 'range',
  more: 'none',
  last: 'none',
}
/** What has a checksum of its own above IP's. */
export const TRANSPORT_WORDS: Words = { ...IP_WORDS, 'bad-checksum': 'none' }

export function parseFields(tokens: readonly string[], words: Words): Fields {
  const fields = new Map<string, string>()
  for (let i = 0; i < tokens.length; i++) {
    const word = tokens[i] ?? ''
    if (word.startsWith('{') && words['headers'] !== undefined) {
      fields.set('headers', [...(fields.has('headers') ? [fields.get('headers')] : []), word].join(' '))
      continue
    }
    const kind = words[word]
    if (kind === undefined || kind === 'headers') return wrong(`'${word}' means nothing here.`)
    if (fields.has(word)) wrong(`'${word}' is said twice.`)
    if (kind === 'none') {
      fields.set(word, '')
      continue
    }
    const value = tokens[++i]
    if (value === undefined) return wrong(`'${word}' needs a value.`)
    if (!isValue(kind, value)) wrong(`'${value}' is no value for '${word}'.`)
    fields.set(word, value)
  }
  return fields
}

export function isValue(kind: Value, text: string): boolean {
  if (text === '*') return true
  switch (kind) {
    case 'number':
      return /^-?\d+$/.test(text)
    case 'hex':
      return /^([0-9a-f]{2})+$/.test(text)
    case 'range':
      return /^\d+:\d+$/.test(text)
    case 'address':
      return /^[\d.]+$|^[0-9a-f:]+$/.test(text)
    default:
      return true
  }
}

export function numberOf(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : wrong(`'${text}' is not a number.`)
}

/** '(20)' */
export function lengthOf(text: string): number {
  const match = /^\((\d+)\)$/.exec(text)
  return match === null ? wrong(`A length is written like (20); '${text}' is not.`) : Number(match[1])
}

export function bytesOf(hex: string): number[] {
  if (!/^([0-9a-f]{2})*$/.test(hex)) wrong(`'${hex}' is not hex, two digits a byte.`)
  return (hex.match(/../g) ?? []).map(pair => Number.parseInt(pair, 16))
}

export const hexOf = (bytes: readonly number[]): string =>
  bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')
