/** What an ICMP error is about, as a script writes it: the datagram of the other side, by its protocol and ports. */
import { wrong } from '../notation.ts'

export interface Quote {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** Undefined: the flow's. */
  readonly ports: readonly [number, number] | undefined
  readonly seq: number | undefined
  /** Undefined: the ends' own. */
  readonly from: string | undefined
  readonly to: string | undefined
}

/** 'tcp 1025>80 seq 0', 'tcp seq 0', 'udp 7>9', 'icmp', 'udp 7>9 from 192.0.2.1 to 203.0.113.9' */
export function parseQuote(text: string): Quote {
  const match = /^(tcp|udp|icmp)(?: (\d+)>(\d+))?(?: seq (-?\d+))?(?: from ([\d.]+))?(?: to ([\d.]+))?$/.exec(
    text,
  )
  if (match === null)
    return wrong(`What an error is about is written like [tcp seq 0] or [udp 7>9]; '${text}' is not.`)
  return {
    protocol: match[1] as Quote['protocol'],
    ports: match[2] === undefined ? undefined : [Number(match[2]), Number(match[3])],
    seq: match[4] === undefined ? undefined : Number(match[4]),
    from: match[5],
    to: match[6],
  }
}

export const formatQuote = (quote: Quote): string =>
  [
    quote.protocol,
    ...(quote.ports === undefined ? [] : [`${quote.ports[0]}>${quote.ports[1]}`]),
    ...(quote.seq === undefined ? [] : [`seq ${quote.seq}`]),
    ...(quote.from === undefined ? [] : [`from ${quote.from}`]),
    ...(quote.to === undefined ? [] : [`to ${quote.to}`]),
  ].join(' ')
