/** Addresses of both families, as the text that Direct Sockets have: '169.254.1.2', 'fe80::1'. */
import { formatIpv4, parseIpv4 } from '../../stack/ip/addresses.ts'
import type { Endpoint, Ipv4, Ipv6, Socket, Stack } from '../../stack/stack.ts'
import { formatIpv6, parseIpv6 } from '../../stack/wire/address6.ts'

export type Address = Ipv4 | Ipv6

/** undefined when it is of neither family. */
export const parseAddress = (text: string): Address | undefined => parseIpv4(text) ?? parseIpv6(text)

export const formatAddress = (address: Address): string =>
  typeof address === 'number' ? formatIpv4(address) : formatIpv6(address)

/** An endpoint with room for either. */
export const blankEndpoint = (): Required<Endpoint> => ({ address: 0, address6: new Uint8Array(16), port: 0 })

/** What the stack has put into a blank one. */
export const told = ({ address, address6, port }: Required<Endpoint>): { address: string; port: number } => ({
  address: formatAddress(address6.some(byte => byte !== 0) ? address6 : address),
  port,
})

export function endpoint(
  stack: Stack,
  socket: Socket,
  end: 'local' | 'remote',
): { address: string; port: number } {
  const at = blankEndpoint()
  stack.name(socket, end, at)
  return told(at)
}

/** Whether a text may be a host's name: labels of letters, digits, hyphens and underscores, not all of them numbers. */
const isName = (text: string): boolean => /^[\w-]+(\.[\w-]+)*\.?$/.test(text) && /[a-z]/i.test(text)

const EXAMPLES = 'such as 169.254.1.2 or fe80::1'

/** The address, or the name of a host; a TypeError with a sentence when it is neither. */
export function requireHost(text: string): Address | { readonly name: string } {
  const address = parseAddress(text)
  if (address !== undefined) return address
  if (isName(text)) return { name: text }
  throw new TypeError(`'${text}' is neither an address, ${EXAMPLES}, nor the name of a host.`)
}

/** The address; a TypeError with a sentence when it is not one. */
export function requireAddress(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new TypeError(`'${text}' is not an address, ${EXAMPLES}.`)
  return address
}

export function requirePort(port: number, least: 0 | 1): number {
  if (Number.isInteger(port) && port >= least && port <= 65535) return port
  throw new TypeError(`${port} is not a port; ports are ${least} to 65535.`)
}
