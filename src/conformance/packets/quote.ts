/** What an ICMP error is about, as a script writes it: the datagram of the other side, by its protocol and ports. */
import { wrong } from '../notation.ts'

export interface Quote {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'icmp6'
  /** Undefined: the flow's. */
  readonly ports: readonly [number, number] | undefined
  readonly seq: number | undefined
  /** Bytes of its datagram, as its IP header says; undefined: what is quoted. */
  readonly length: number | undefined
  /** Whom it went from and to; undefined: from the host to its peer. */
  readonly between: readonly [string, string] | undefined
}

/** 'tcp 1025>80 seq 0', 'tcp seq 0', 'tcp seq 1 length 1500', 'udp 7>9', 'icmp', 'udp 7>9 from A to B' */
export function parseQuote(text: string): Quote {
  const match =
    /^(tcp|udp|icmp6?)(?: (\d+)>(\d+))?(?: seq (-?\d+))?(?: length (\d+))?(?: from (\S+) to (\S+))?$/.exec(
      text,
    )
  if (match === null)
    return wrong(`What an error is about is written like [tcp seq 0] or [udp 7>9]; '${text}' is not.`)
  return {
    protocol: match[1] as Quote['protocol'],
    ports: match[2] === undefined ? undefined : [Number(match[2]), Number(match[3])],
    seq: match[4] === undefined ? undefined : Number(match[4]),
    length: match[5] === undefined ? undefined : Number(match[5]),
    between: match[6] === undefined ? undefined : [match[6], match[7] ?? ''],
  }
}

export const formatQuote = (quote: Quote): string =>
  [
    quote.protocol,
    ...(quote.ports === undefined ? [] : [`${quote.ports[0]}>${quote.ports[1]}`]),
    ...(quote.seq === undefined ? [] : [`seq ${quote.seq}`]),
    ...(quote.length === undefined ? [] : [`length ${quote.length}`]),
    ...(quote.between === undefined ? [] : [`from ${quote.between[0]} to ${quote.between[1]}`]),
  ].join(' ')
