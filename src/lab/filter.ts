/** The packet table's filter: words that must all be there, each anywhere or in one column. */
import type { Packet } from './packet.ts'

type Test = (packet: Packet) => boolean

export type Filter =
  | { readonly kind: 'all' }
  | { readonly kind: 'words'; readonly passes: Test }
  | { readonly kind: 'wrong'; readonly why: string }

const has = (text: string, word: string): boolean => text.toLowerCase().includes(word)

const KEYS: Readonly<Record<string, (word: string) => Test>> = {
  proto: word => packet => packet.protocol.toLowerCase() === word,
  host: word => packet => packet.from.toLowerCase() === word || packet.to.toLowerCase() === word,
  from: word => packet => packet.from.toLowerCase() === word,
  to: word => packet => packet.to.toLowerCase() === word,
  info: word => packet => has(packet.info, word),
  // Ports stand at the beginning of the info of TCP and UDP, as in '49152 → 23 [SYN]'.
  port: word => packet => new RegExp(`(^|\\] )(${word} → \\d+|\\d+ → ${word})( |$)`).test(packet.info),
}

/** 'tcp', 'syn alice', 'host:bob', 'port:23', '-arp' (without). */
export function parseFilter(text: string): Filter {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return { kind: 'all' }
  const tests: Test[] = []
  for (const word of words) {
    const test = parseWord(word)
    if (typeof test === 'string') return { kind: 'wrong', why: test }
    tests.push(test)
  }
  return { kind: 'words', passes: packet => tests.every(test => test(packet)) }
}

function parseWord(word: string): Test | string {
  const plain = word.replace(/^-+/, '')
  if (plain === '') return '‘-’ leaves out a word: write it directly behind, such as -arp.'
  const test = parsePlain(plain)
  const isLeftOut = (word.length - plain.length) % 2 === 1
  return typeof test === 'string' || !isLeftOut ? test : packet => !test(packet)
}

function parsePlain(word: string): Test | string {
  // A MAC address has colons too, but no key is two hex digits.
  const [, key, value] = /^([a-z]+):(.*)$/.exec(word) ?? []
  if (key === undefined || value === undefined || /^([0-9a-f]{2}:)+/.test(word))
    return packet => [packet.protocol, packet.from, packet.to, packet.info].some(text => has(text, word))
  const make = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined
  if (make === undefined)
    return `There is no key ‘${key}’: use ${Object.keys(KEYS).join(', ')}, or a plain word.`
  if (value === '')
    return `Behind ‘${key}:’ a word is missing, such as ${key === 'port' ? 'port:23' : `${key}:alice`}.`
  if (key === 'port' && !(/^\d+$/.test(value) && Number(value) <= 65535))
    return `‘${value}’ is not a port: write a number from 0 to 65535.`
  return make(value)
}
