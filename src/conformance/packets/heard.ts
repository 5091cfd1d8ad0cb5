/** What the host has last said, to which what the peer says refers. */
import type { DnsEntry } from './dns.ts'
import type { Packet } from './protocols.ts'

export interface Heard {
  /** DHCP: the transaction. */
  readonly xid: number
  /** DNS: the id of its query, the port that it came from, and the question. */
  readonly id: number
  readonly port: number
  readonly question: DnsEntry | undefined
}

export const HEARD_NOTHING: Heard = { xid: 0, id: 0, port: 0, question: undefined }

/** What is known once the host has sent this, too. */
export function hear(before: Heard, packet: Packet): Heard {
  const { fields } = packet
  if (packet.kind === 'dhcp') return { ...before, xid: Number(fields.get('xid')) }
  if (packet.kind !== 'dns' || packet.isAnswer) return before
  const port = Number(fields.get('ports')?.split('>')[0])
  return { ...before, id: Number(fields.get('dns-id')), port, question: packet.entries[0] }
}

/** '77', or counted from the last: 'last', 'last+1' */
export function countedFrom(text: string, last: number): number {
  const match = /^last([+-]\d+)?$/.exec(text)
  return match === null ? Number(text) : last + Number(match[1] ?? 0)
}
