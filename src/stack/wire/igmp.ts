/** IGMP version 2, RFC 2236, 2: eight bytes, type, the time in which to answer, checksum, group. */
import type { Layer } from './dissect.ts'
import { addressAt, checksumFault, count, hex, onesComplementSum, Reading } from './readable.ts'

/** Offsets in bytes. */
export const IGMP_TYPE = 0
/** In tenths of a second. 0: the querier speaks version 1. */
export const IGMP_MAX_RESPONSE = 1
export const IGMP_CHECKSUM = 2
/** 0 in a general query. */
export const IGMP_GROUP = 4
export const IGMP_HEADER = 8

/** Types, RFC 2236, 2.1. */
export const IGMP_QUERY = 0x11
export const IGMP_V1_REPORT = 0x12
export const IGMP_V2_REPORT = 0x16
export const IGMP_LEAVE = 0x17

/** RFC 1112, 4: all hosts on the link. RFC 2236, 2: all routers. */
export const ALL_HOSTS = 0xe0000001 | 0
export const ALL_ROUTERS = 0xe0000002 | 0

/** Everything but the checksum. */
export function putIgmp(view: DataView, at: number, type: number, group: number): void {
  view.setUint8(at + IGMP_TYPE, type)
  view.setUint8(at + IGMP_MAX_RESPONSE, 0)
  view.setUint16(at + IGMP_CHECKSUM, 0)
  view.setInt32(at + IGMP_GROUP, group)
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [IGMP_QUERY]: 'Membership query',
  [IGMP_V1_REPORT]: 'Version 1 membership report',
  [IGMP_V2_REPORT]: 'Membership report',
  [IGMP_LEAVE]: 'Leave group',
}

/** One line about the message; 'Truncated: …' when it ends at `end` before its header does. */
export function igmpSummary(view: DataView, at: number, end: number): string {
  if (end - at < IGMP_HEADER)
    return `Truncated: ${count(Math.max(0, end - at), 'byte')}, an IGMP message is 8`
  const type = view.getUint8(at + IGMP_TYPE)
  const name = TYPE_NAMES[type] ?? `Type ${hex(type, 2)}`
  return view.getUint32(at + IGMP_GROUP) === 0 ? name : `${name} ${addressAt(view, at + IGMP_GROUP)}`
}

/** The readable form. `checked` is false for a message that is quoted in part. */
export function describeIgmp(view: DataView, at: number, end: number, checked = true): Layer {
  const reading = new Reading(view, at, end)
  reading.field(
    'Type',
    IGMP_TYPE,
    1,
    'A router asks who is a member; a host says that it is, or no more.',
    i => `${TYPE_NAMES[view.getUint8(i)] ?? 'unknown'} (${hex(view.getUint8(i), 2)})`,
  )
  reading.field(
    'Max response time',
    IGMP_MAX_RESPONSE,
    1,
    'In a query: by when to answer. Each host waits at random, and is silent when another has answered.',
    i => `${view.getUint8(i) / 10} s`,
  )
  reading.field(
    'Checksum',
    IGMP_CHECKSUM,
    2,
    'Covers the whole message.',
    i => hex(view.getUint16(i), 4),
    i => (checked ? checksumFault(view.getUint16(i), onesComplementSum(view, at, reading.end)) : undefined),
  )
  reading.field('Group address', IGMP_GROUP, 4, 'The group in question; 0.0.0.0 asks for all.', i =>
    addressAt(view, i),
  )
  return reading.done(
    'Internet Group Management Protocol',
    'RFC 2236, 2',
    IGMP_HEADER,
    igmpSummary(view, at, end),
  )
}
