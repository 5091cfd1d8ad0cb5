/** TCP's options as a script writes them, and as bytes: RFC 9293, 3.1; RFC 7323; RFC 2018. */
import { bytesOf, hexOf, NotationError, numberOf, wrong } from '../notation.ts'
import { get16, get32, u16, u32 } from './bytes.ts'
import type { Numbers } from './protocol.ts'

/** `last` is the host's timestamp as it was last seen on the flow, plus `plus`. */
export type Stamp = number | '*' | { readonly plus: number }
export type TcpOption =
  | { readonly name: 'mss' | 'wscale'; readonly value: number }
  | { readonly name: 'sackOK' | 'nop' | 'eol' }
  | { readonly name: 'TS'; readonly value: Stamp; readonly echo: Stamp }
  | { readonly name: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly name: 'raw'; readonly bytes: readonly number[] }

export function parseOptions(text: string): TcpOption[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(parseOption)
}

function parseOption(item: string): TcpOption {
  const [name = '', ...values] = item.split(/\s+/)
  const [first = '', second = ''] = values
  switch (name) {
    case 'mss':
    case 'wscale':
      return { name, value: numberOf(first) }
    case 'sackOK':
    case 'nop':
    case 'eol':
      return { name }
    case 'TS':
      if (first !== 'val' || values[2] !== 'ecr')
        return wrong(`Timestamps are written like 'TS val 1 ecr 0'; '${item}' is not.`)
      return { name, value: parseStamp(second), echo: parseStamp(values[3] ?? '') }
    case 'sack':
      return { name, blocks: values.map(parseBlock) }
    case 'raw':
      return { name, bytes: bytesOf(first) }
    default:
      return wrong(`There is no TCP option '${name}'; any is written as 'raw' with its bytes in hex.`)
  }
}

function parseStamp(text: string): Stamp {
  if (text === '*') return '*'
  const match = /^last([+-]\d+)?$/.exec(text)
  return match === null ? numberOf(text) : { plus: Number(match[1] ?? 0) }
}

function parseBlock(text: string): [number, number] {
  const match = /^(-?\d+):(-?\d+)$/.exec(text)
  return match === null
    ? wrong(`A SACK block is written like 2001:3001; '${text}' is not.`)
    : [Number(match[1]), Number(match[2])]
}

export function formatOption(option: TcpOption): string {
  switch (option.name) {
    case 'mss':
    case 'wscale':
      return `${option.name} ${option.value}`
    case 'TS':
      return `TS val ${formatStamp(option.value)} ecr ${formatStamp(option.echo)}`
    case 'sack':
      return ['sack', ...option.blocks.map(([from, to]) => `${from}:${to}`)].join(' ')
    case 'raw':
      return `raw ${hexOf(option.bytes)}`
    default:
      return option.name
  }
}

const formatStamp = (stamp: Stamp): string =>
  typeof stamp !== 'object'
    ? String(stamp)
    : `last${stamp.plus === 0 ? '' : stamp.plus > 0 ? `+${stamp.plus}` : stamp.plus}`

/** Whether the options that were seen are those expected; `stamp` is the timestamp before them. */
export function optionsMatch(
  expected: readonly TcpOption[],
  others: readonly TcpOption[],
  stamp: number,
): boolean {
  if (expected.length !== others.length) return false
  const same = (a: Stamp, b: Stamp): boolean =>
    a === '*' || (typeof a === 'object' ? (stamp + a.plus) >>> 0 === b : a === b)
  return expected.every((option, i) => {
    const other = others[i]
    if (option.name === 'TS' && other?.name === 'TS')
      return same(option.value, other.value) && same(option.echo, other.echo)
    return JSON.stringify(option) === JSON.stringify(other)
  })
}

export function optionBytes(option: TcpOption, n: Numbers): number[] {
  const stampOf = (stamp: Stamp): number => {
    if (stamp === '*') throw new NotationError("A timestamp that is sent is a number or 'last'.")
    return typeof stamp === 'number' ? stamp : n.stamp + stamp.plus
  }
  switch (option.name) {
    case 'eol':
      return [0]
    case 'nop':
      return [1]
    case 'mss':
      return [2, 4, ...u16(option.value)]
    case 'wscale':
      return [3, 3, option.value]
    case 'sackOK':
      return [4, 2]
    case 'sack':
      return [5, 2 + 8 * option.blocks.length, ...option.blocks.flat().flatMap(edge => u32(n.hostIss + edge))]
    case 'TS':
      return [8, 10, ...u32(stampOf(option.value)), ...u32(stampOf(option.echo))]
    case 'raw':
      return [...option.bytes]
  }
}

export function decodeOptions(bytes: number[], n: Numbers): TcpOption[] {
  const options: TcpOption[] = []
  for (let at = 0; at < bytes.length; ) {
    const [kind = 0, length = 0] = bytes.slice(at)
    if (kind <= 1) {
      options.push({ name: kind === 0 ? 'eol' : 'nop' })
      at++
      continue
    }
    options.push(decodeOption(kind, bytes.slice(at, at + length), n))
    at += Math.max(1, length)
  }
  return options
}

/** What the length of an option must be, by its kind. */
const OPTION_LENGTHS: Readonly<Record<number, number>> = { 2: 4, 3: 3, 4: 2, 8: 10 }

function decodeOption(kind: number, bytes: number[], n: Numbers): TcpOption {
  const length = OPTION_LENGTHS[kind] ?? bytes.length
  if (bytes[1] !== length || bytes.length !== length) return { name: 'raw', bytes }
  switch (kind) {
    case 2:
      return { name: 'mss', value: get16(bytes, 2) }
    case 3:
      return { name: 'wscale', value: bytes[2] ?? 0 }
    case 4:
      return { name: 'sackOK' }
    case 5:
      return {
        name: 'sack',
        blocks: Array.from({ length: (bytes.length - 2) / 8 }, (_, i) => [
          (get32(bytes, 2 + i * 8) - n.peerIss) | 0,
          (get32(bytes, 6 + i * 8) - n.peerIss) | 0,
        ]),
      }
    case 8:
      return { name: 'TS', value: get32(bytes, 2), echo: get32(bytes, 6) }
    default:
      return { name: 'raw', bytes }
  }
}
