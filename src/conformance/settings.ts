/** The settings of a script that are the stack's own: what a host is told when it begins, beside its address. */
import type { StackConfig } from '../stack/stack.ts'
import { NotationError } from './notation.ts'

/** Those of a line, with those of the lines before; undefined: the word is none of them. */
export function parseSetting(
  word: string,
  values: readonly string[],
  before: Partial<StackConfig>,
): Partial<StackConfig> | undefined {
  const [first = '', second = '', ...rest] = values
  switch (word) {
    case 'name':
      return { ...before, name: first }
    case 'dns':
      return { ...before, dns: first.split(',') }
    case 'forward':
      return { ...before, forward: true }
    case 'no-ipv6':
      return { ...before, ipv6: false }
    case 'link':
      return { ...before, links: [...(before.links ?? []), linkOf(before.links?.length ?? 0, values)] }
    case 'dhcp-server':
      return { ...before, dhcpServer: { first, last: second, ...poolOf(rest) } }
    default:
      return undefined
  }
}

/** The links are numbered in their order, from 1; what the script configures otherwise is link 0. */
export const hostMacOf = (link: number, macs: readonly string[] = []): string =>
  macs[link] ?? `02:00:00:00:0${link}:01`
export const peerMacOf = (link: number): string => `02:00:00:00:0${link}:02`

/** '198.51.100.1/24', '198.51.100.1/24 mtu 600' */
function linkOf(before: number, [address = '', word, mtu]: readonly string[]) {
  if (word !== undefined && word !== 'mtu') throw new NotationError(`'${word}' is no setting of a link.`)
  const mac = Uint8Array.from(hostMacOf(before + 1).split(':'), pair => Number.parseInt(pair, 16))
  return { mac, address, ...(mtu === undefined ? {} : { mtu: Number(mtu) }) }
}

/** 'lease 600 router 192.0.2.254 dns 192.0.2.53 domain home.arpa' */
function poolOf(words: readonly string[]) {
  const said = new Map<string, string>()
  for (let i = 0; i < words.length; i += 2) said.set(words[i] ?? '', words[i + 1] ?? '')
  const wrong = [...said.keys()].find(word => !['lease', 'router', 'dns', 'domain'].includes(word))
  if (wrong !== undefined) throw new NotationError(`'${wrong}' is nothing that a pool has.`)
  const [lease, router, dns, domain] = ['lease', 'router', 'dns', 'domain'].map(word => said.get(word))
  return {
    ...(lease === undefined ? {} : { lease: Number(lease) }),
    ...(router === undefined ? {} : { router }),
    ...(dns === undefined ? {} : { dns: dns.split(',') }),
    ...(domain === undefined ? {} : { domain }),
  }
}
