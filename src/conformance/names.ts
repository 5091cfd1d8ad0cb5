/**
 * Names for addresses that a script cannot know: `$host` is the host's IPv6 address, `$peer` the peer's, `$router` that of
 * the link's router; `$link-local` is what the host has made for itself, `$own/2001:db8:1::` what it has made of a prefix,
 * and `$group/ADDRESS` the solicited-node group of an address.
 */
import { NotationError } from './notation.ts'
import { address6Bytes, address6Text, solicitedNode } from './packets/address6.ts'

export interface Names {
  readonly host: string
  readonly peer: string
  readonly router: string
  readonly 'link-local': string
  /** The host's address in the network of this one, its first 64 bits; '' if it has none. */
  own(prefix: string): string
}

/** The line with addresses for their names. */
export function withAddresses(line: string, names: Names): string {
  return line
    .replace(/\$(host|peer|router|link-local)\b/g, (whole, name: keyof Omit<Names, 'own'>) =>
      known(names[name], whole),
    )
    .replace(/\$own\/([0-9a-f:]+)/g, (whole, prefix: string) => known(names.own(prefix), whole))
    .replace(/\$group\/([0-9a-f:]+)/g, (_, address: string) => solicitedNode(address))
    .replace(/\$\S*/, whole => {
      throw new NotationError(
        `'${whole}' is no name; there are $host, $peer, $router, $link-local, $own/… and $group/….`,
      )
    })
}

function known(address: string, name: string): string {
  if (address === '') throw new NotationError(`The host has no address '${name}'.`)
  return address
}

/** For a line that is only read: every name stands for some address. */
export const ANY_NAMES: Names = {
  host: '2001:db8::1',
  peer: '2001:db8::2',
  router: 'fe80::99',
  'link-local': 'fe80::1',
  own: prefix => address6Text(address6Bytes(prefix)),
}
