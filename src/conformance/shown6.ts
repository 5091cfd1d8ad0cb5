/** What a host shows of its IPv6, as calls whose result a script compares. Addresses in RFC 5952's form, times in seconds. */
import { inspectDestinations6, inspectNeighbours6, inspectPrefixes6 } from '../stack/inspect/ipv6.ts'
import type { OwnAddress6, Stack } from '../stack/stack.ts'
import type { Call } from './calls.ts'
import { address6Bytes, address6Text } from './packets/address6.ts'

const canonical = (text: string): string => address6Text(address6Bytes(text))
const listed = (found: readonly string[]): string => found.join(', ') || 'none'
const secondsText = (seconds: number): string =>
  seconds === Number.POSITIVE_INFINITY ? 'infinite' : String(Math.round(seconds))

const ownAddress = (stack: Stack, text: string): OwnAddress6 | undefined =>
  stack.ipv6?.addresses.find(({ address }) => address6Text([...address]) === canonical(text))

export const SHOWN6: Readonly<Record<string, Call>> = {
  /** 'tentative', 'preferred', 'deprecated', 'duplicate' or 'none'. */
  address6: ({ stack }, [address = '']) => ownAddress(stack, address)?.state ?? 'none',
  /** 'valid preferred', what is left of both; 'none'. */
  lifetimes({ stack, now }, [address = '']) {
    const own = ownAddress(stack, address)
    if (own === undefined) return 'none'
    const left = (until: number): string =>
      secondsText(Math.max(0, (until - Math.floor(now / 1000) * 1000) / 1000))
    return `${left(own.validUntil)} ${left(own.preferredUntil)}`
  },
  routers: ({ stack }) => listed((stack.ipv6?.routers ?? []).map(bytes => address6Text([...bytes]))),
  nameServers: ({ stack }) => listed((stack.ipv6?.nameServers ?? []).map(bytes => address6Text([...bytes]))),
  /** 'prefix/bits lifetime', of all that are on the link. */
  prefixes: ({ stack }) =>
    listed(
      inspectPrefixes6(stack.arena).map(one => `${one.prefix}/${one.bits} ${secondsText(one.validFor)}`),
    ),
  /** 'state mac', behind it 'router' of one that is; 'none'. */
  neighbour({ stack }, [address = '']) {
    const found = inspectNeighbours6(stack.arena).find(one => one.address === canonical(address))
    if (found === undefined) return 'none'
    return `${found.state} ${found.mac}${found.isRouter ? ' router' : ''}`
  },
  /** 'by first-hop mtu n'; 'none'. */
  destination({ stack }, [address = '']) {
    const found = inspectDestinations6(stack.arena).find(one => one.address === canonical(address))
    return found === undefined ? 'none' : `by ${found.hop ?? 'nobody'} mtu ${found.pathMtu}`
  },
}
