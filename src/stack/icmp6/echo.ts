/** Echo, RFC 4443, 4: requests are answered, replies go to the ping socket that asked. */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { ENETUNREACH, type Errno, isErrno } from '../errno.ts'
import { findOwn } from '../ip6/addresses.ts'
import { layChain6 } from '../ip6/fragment.ts'
import { isMulticast6, isUnspecified } from '../ip6/kinds.ts'
import { firstPayload, layPayload, sendPayload } from '../ip6/output.ts'
import { ADDRESS6, copyAddress } from '../ip6/records.ts'
import { scratchOf } from '../ip6/scratch.ts'
import { chooseSource } from '../ip6/source.ts'
import { sourceOf } from '../ip6/udp.ts'
import { type Address, freePages, PAGE_OFFSET, type Page } from '../memory/arena.ts'
import { icmp6InMsgs, icmp6OutMsgs } from '../mib.ts'
import { queueChain, queueDatagram } from '../socket/datagrams.ts'
import { LOCAL_PORT } from '../socket/record.ts'
import { pseudoSum6, sumChain } from '../wire/checksum.ts'
import {
  ICMP6_CHECKSUM,
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP6_HEADER,
  ICMP6_ID,
  ICMP6_SEQUENCE,
  ICMP6_TYPE,
} from '../wire/icmp6.ts'
import { IP6_DESTINATION, IP6_SOURCE, NEXT_ICMP6 } from '../wire/ipv6.ts'

/** 4.2: "The data received in the ICMPv6 Echo Request message MUST be returned entirely and unmodified". */
export function echoRequested(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const from = replyFrom(s, ip)
  if (from === 0) return dropped(s, Drop.BadSource)
  const page = layPayload(s, ip + IP6_SOURCE, 0, m.window(at, length))
  if (isErrno(page)) return dropped(s, Drop.NoMemory)
  return sendReply(s, page, from, ip + IP6_SOURCE, length)
}

/** The address to reply from; 4.2: the one that was asked, or one of ours when a group was. 0: to nobody. */
function replyFrom(s: Core, ip: Address): number {
  const { m } = s
  if (isUnspecified(m, ip + IP6_SOURCE)) return 0
  if (isMulticast6(m, ip + IP6_DESTINATION)) return chooseSource(s, ip + IP6_SOURCE)
  return findOwn(m, ip + IP6_DESTINATION) + ADDRESS6
}

/** The request in these pages becomes its reply and goes out. */
function sendReply(s: Core, page: Page, from: number, to: number, length: number): Drop {
  const at = firstPayload(s, page)
  s.m.put32(at + ICMP6_TYPE, ICMP6_ECHO_REPLY)
  count(s, icmp6OutMsgs)
  sendPayload(s, page, from, to, NEXT_ICMP6, length, ICMP6_CHECKSUM)
  return Drop.None
}

/** 4.2: passed to the ping socket with this identifier, which gets what is behind the header. Drop.NoPort when there is none. */
export function echoReplied(s: Core, ip: Address, at: Address, length: number): Drop {
  const socket = s.features.ping?.receiver(s, at) ?? 0
  if (socket === 0) return dropped(s, Drop.NoPort)
  const sequence = s.m.view.getUint16(at + ICMP6_SEQUENCE)
  return queueDatagram(s, socket, at + ICMP6_HEADER, length - ICMP6_HEADER, ip + IP6_SOURCE, sequence)
}

/** An echo of `length` bytes that is larger than a frame, in a chain of pages. */
export function echoChain(s: Core, ip: Address, head: Page, length: number, toAll: boolean): Drop {
  const { m } = s
  count(s, icmp6InMsgs)
  const sum = pseudoSum6(m, ip + IP6_SOURCE, NEXT_ICMP6, length) + sumChain(m, head, length)
  const at = head + m.get16(head + PAGE_OFFSET)
  if (sum % 0xffff !== 0) return refused(s, head, Drop.BadIcmpChecksum)
  if (m.get8(at) === ICMP6_ECHO_REPLY) {
    const socket = s.features.ping?.receiver(s, at) ?? 0
    if (socket === 0) return refused(s, head, Drop.NoPort)
    const sequence = m.view.getUint16(at + ICMP6_SEQUENCE)
    return queueChain(s, socket, head, ICMP6_HEADER, length, ip + IP6_SOURCE, sequence)
  }
  if (m.get8(at) !== ICMP6_ECHO_REQUEST || toAll) return refused(s, head, Drop.UnknownIcmpType)
  const from = replyFrom(s, ip)
  if (from === 0) return refused(s, head, Drop.BadSource)
  return answerChain(s, ip, head, from, length)
}

/** The chain with the request is freed as it is copied; who asked is noted before. */
function answerChain(s: Core, ip: Address, head: Page, from: number, length: number): Drop {
  const to = scratchOf(s.m)
  copyAddress(s.m, to, ip + IP6_SOURCE)
  const pages = layChain6(s, to, head, length)
  return pages === 0 ? dropped(s, Drop.NoMemory) : sendReply(s, pages, from, to, length)
}

function refused(s: Core, head: Page, drop: Drop): Drop {
  freePages(s.m, head)
  return dropped(s, drop)
}

/** See sendRequest of a ping socket (icmp/ping.ts); `to` is a word. */
export function sendEcho(
  s: Core,
  socket: Address,
  data: Uint8Array,
  to: number,
  sequence: number,
): number | Errno {
  const { m } = s
  const from = sourceOf(s, socket, to)
  if (from === 0) return ENETUNREACH
  const page = layPayload(s, to, ICMP6_HEADER, data)
  if (isErrno(page)) return page
  const at = firstPayload(s, page)
  m.put32(at + ICMP6_TYPE, ICMP6_ECHO_REQUEST)
  m.view.setUint16(at + ICMP6_ID, m.get16(socket + LOCAL_PORT))
  m.view.setUint16(at + ICMP6_SEQUENCE, sequence)
  count(s, icmp6OutMsgs)
  const sent = sendPayload(s, page, from, to, NEXT_ICMP6, ICMP6_HEADER + data.length, ICMP6_CHECKSUM)
  return isErrno(sent) ? sent : data.length
}
