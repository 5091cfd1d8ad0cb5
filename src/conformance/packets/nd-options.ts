/** Options of neighbour discovery, RFC 4861, 4.6, RFC 8106, 5.1, as a script writes them, and as bytes. */
import { bytesOf, hexOf, numberOf, wrong } from '../notation.ts'
import { address6Bytes, address6Text } from './address6.ts'
import { get16, get32, macBytes, macText, u16, u32 } from './bytes.ts'

export type NdOption =
  | { readonly name: 'source' | 'target'; readonly mac: string }
  | { readonly name: 'mtu'; readonly value: number }
  | {
      readonly name: 'prefix'
      readonly prefix: string
      readonly bits: number
      /** Letters L and A. */
      readonly flags: string
      /** Seconds. */
      readonly valid: number
      readonly preferred: number
    }
  | { readonly name: 'dns'; readonly servers: readonly string[]; readonly lifetime: number }
  | { readonly name: 'raw'; readonly bytes: readonly number[] }

/** A lifetime that never ends, 4.6.2. */
const INFINITE = 0xffffffff

export const parseNdOptions = (text: string): NdOption[] =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(parseNdOption)

/** 'source MAC', 'mtu 1400', 'prefix 2001:db8:1::/64 LA valid 86400 preferred 14400', 'dns A B lifetime 600', 'raw hex' */
function parseNdOption(item: string): NdOption {
  const [name = '', ...values] = item.split(/\s+/)
  const [first = ''] = values
  switch (name) {
    case 'source':
    case 'target':
      return { name, mac: first }
    case 'mtu':
      return { name, value: numberOf(first) }
    case 'prefix':
      return parsePrefix(values)
    case 'dns': {
      const lifetime = values.indexOf('lifetime')
      if (lifetime < 1)
        return wrong(`Servers are written like 'dns 2001:db8::53 lifetime 600'; '${item}' is not.`)
      return { name, servers: values.slice(0, lifetime), lifetime: secondsOf(values[lifetime + 1] ?? '') }
    }
    case 'raw':
      return { name, bytes: bytesOf(first) }
    default:
      return wrong(
        `There is no option '${name}' of neighbour discovery; any is written as 'raw' with its bytes in hex.`,
      )
  }
}

const secondsOf = (text: string): number => (text === 'infinite' ? INFINITE : numberOf(text))

function parsePrefix(values: readonly string[]): NdOption {
  const flags = /^[LA]+$/.test(values[1] ?? '') ? (values[1] ?? '') : ''
  const [prefix = '', bits = ''] = (values[0] ?? '').split('/')
  const words = values.slice(flags === '' ? 1 : 2)
  const after = (word: string, otherwise: number): number => {
    const at = words.indexOf(word)
    return at < 0 ? otherwise : secondsOf(words[at + 1] ?? '')
  }
  return {
    name: 'prefix',
    prefix: address6Text(address6Bytes(prefix)),
    bits: numberOf(bits),
    flags,
    valid: after('valid', 86_400),
    preferred: after('preferred', 14_400),
  }
}

export function formatNdOption(option: NdOption): string {
  switch (option.name) {
    case 'source':
    case 'target':
      return `${option.name} ${option.mac}`
    case 'mtu':
      return `mtu ${option.value}`
    case 'prefix':
      return `prefix ${option.prefix}/${option.bits} ${option.flags} valid ${option.valid} preferred ${option.preferred}`
    case 'dns':
      return `dns ${option.servers.join(' ')} lifetime ${option.lifetime}`
    case 'raw':
      return `raw ${hexOf(option.bytes)}`
  }
}

export function ndOptionBytes(option: NdOption): number[] {
  switch (option.name) {
    case 'source':
    case 'target':
      return [option.name === 'source' ? 1 : 2, 1, ...macBytes(option.mac)]
    case 'mtu':
      return [5, 1, 0, 0, ...u32(option.value)]
    case 'prefix': {
      const flags = (option.flags.includes('L') ? 0x80 : 0) | (option.flags.includes('A') ? 0x40 : 0)
      const lifetimes = [...u32(option.valid), ...u32(option.preferred)]
      return [3, 4, option.bits, flags, ...lifetimes, ...u32(0), ...address6Bytes(option.prefix)]
    }
    case 'dns':
      return [
        25,
        1 + 2 * option.servers.length,
        ...u16(0),
        ...u32(option.lifetime),
        ...option.servers.flatMap(address6Bytes),
      ]
    case 'raw':
      return [...option.bytes]
  }
}

/** Those that a host sends are read; any other is shown as its bytes. */
export function decodeNdOptions(bytes: readonly number[]): NdOption[] {
  const options: NdOption[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at + 1] ?? 0) * 8
    if (length === 0 || at + length > bytes.length)
      throw new Error('An option of neighbour discovery does not end.')
    options.push(decodeNdOption(bytes.slice(at, at + length)))
    at += length
  }
  return options
}

function decodeNdOption(bytes: readonly number[]): NdOption {
  switch (bytes[0]) {
    case 1:
    case 2:
      return { name: bytes[0] === 1 ? 'source' : 'target', mac: macText(bytes, 2) }
    case 3:
      return {
        name: 'prefix',
        prefix: address6Text(bytes.slice(16, 32)),
        bits: bytes[2] ?? 0,
        flags: [...'LA'].filter((_, i) => ((bytes[3] ?? 0) & (0x80 >> i)) !== 0).join(''),
        valid: get32(bytes, 4),
        preferred: get32(bytes, 8),
      }
    case 5:
      return { name: 'mtu', value: get16(bytes, 4) * 65536 + get16(bytes, 6) }
    default:
      return { name: 'raw', bytes }
  }
}
