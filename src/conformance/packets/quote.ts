/** What an ICMP error is about, as a script writes it: the datagram of the other side, by its protocol and ports. */
import { wrong } from '../notation.ts'

export interface Quote {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'icmp6'
  /** Undefined: the flow's. */
  readonly ports: readonly [number, number] | undefined
  readonly seq: number | undefined
  /** Whom it went from and to; undefined: from the host to its peer. */
  readonly between: readonly [string, string] | undefined
}

/** 'tcp 1025>80 seq 0', 'tcp seq 0', 'udp 7>9', 'icmp', 'udp 7>9 from A to B' */
export function parseQuote(text: string): Quote {
  const match = /^(tcp|udp|icmp6?)(?: (\d+)>(\d+))?(?: seq (-?\d+))?(?: from (\S+) to (\S+))?$/.exec(text)
  if (match === null)
    return wrong(`What an error is about is written like [tcp seq 0] or [udp 7>9]; '${text}' is not.`)
  return {
    protocol: match[1] as Quote['protocol'],
    ports: match[2] === undefined ? undefined : [Number(match[2]), Number(match[3])],
    seq: match[4] === undefined ? undefined : Number(match[4]),
    between: match[5] === undefined ? undefined : [match[5], match[6] ?? ''],
  }
}

export const formatQuote = (quote: Quote): string =>
  [
    quote.protocol,
    ...(quote.ports === undefined ? [] : [`${quote.ports[0]}>${quote.ports[1]}`]),
    ...(quote.seq === undefined ? [] : [`seq ${quote.seq}`]),
    ...(quote.between === undefined ? [] : [`from ${quote.between[0]} to ${quote.between[1]}`]),
  ].join(' ')
