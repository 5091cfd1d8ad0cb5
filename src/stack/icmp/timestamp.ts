/** ICMP_TIMESTAMP: requests for our time are answered, RFC 1122, 3.2.2.8, as echoes are. A profile without it drops them. */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { payloadAt, sendDatagram } from '../ip/datagram.ts'
import type { Address } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { icmpInTimestamps, icmpOutTimestampReps } from '../mib.ts'
import {
  ICMP_RECEIVED_AT,
  ICMP_SENT_AT,
  ICMP_TIMESTAMP_LENGTH,
  ICMP_TIMESTAMP_REPLY,
  ICMP_TYPE,
} from '../wire/icmp.ts'
import { IP_DESTINATION, IP_SOURCE, PROTOCOL_ICMP } from '../wire/ipv4.ts'
import { finishIcmp } from './errors.ts'

/** The feature ICMP_TIMESTAMP as core code knows it; RFC 1122, 3.2.2.8. */
export interface IcmpTimestamp {
  /** A timestamp request of `length` bytes at `at`, checked, in the datagram at `ip`. */
  reply(s: Core, ip: Address, at: Address, length: number): Drop
}

/** The feature ICMP_TIMESTAMP. */
export const icmpTimestamp: IcmpTimestamp = {
  reply(s, ip, at, length) {
    const { m } = s
    if (length < ICMP_TIMESTAMP_LENGTH) return dropped(s, Drop.BadIcmpLength)
    count(s, icmpInTimestamps)
    const page = takeFrame(s, true)
    if (page === 0) return dropped(s, Drop.NoMemory)
    const to = payloadAt(page)
    m.bytes.copyWithin(to, at, at + ICMP_TIMESTAMP_LENGTH)
    m.put8(to + ICMP_TYPE, ICMP_TIMESTAMP_REPLY)
    // RFC 792: a host that does not know Universal Time sets the highest bit "to indicate this non-standard value".
    const time = m.get32(NOW_MS) | 0x80000000
    m.view.setInt32(to + ICMP_RECEIVED_AT, time)
    m.view.setInt32(to + ICMP_SENT_AT, time)
    finishIcmp(s, page, ICMP_TIMESTAMP_LENGTH)
    count(s, icmpOutTimestampReps)
    const from = m.view.getInt32(ip + IP_DESTINATION)
    sendDatagram(s, page, m.view.getInt32(ip + IP_SOURCE), PROTOCOL_ICMP, ICMP_TIMESTAMP_LENGTH, from)
    return Drop.None
  },
}
