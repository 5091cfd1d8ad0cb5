/** A question as a message, and whether a message answers it. */
import type { Core } from '../core.ts'
import type { Address } from '../memory/arena.ts'
import { messageMax } from '../udp/service.ts'
import * as dns from '../wire/dns.ts'
import { PLAIN, QUERY_ID, QUERY_NAME, QUERY_TYPE } from './query.ts'

/** RFC 6891, 6.2.5: what surely comes in one piece. */
const ANSWER_MAX = 1232

/** Writes the question; returns its length. */
export function putQuery(s: Core, q: Address, at: Address): number {
  const { m } = s
  dns.putDnsHeader(m.view, at, m.get16(q + QUERY_ID), dns.DNS_RECURSION_DESIRED)
  const to = at + dns.DNS_HEADER
  let end = dns.putQuestion(m.view, at, to, m.bytes, q + QUERY_NAME, m.get16(q + QUERY_TYPE), dns.CLASS_IN)
  if (m.get8(q + PLAIN) === 0) end = dns.putOpt(m.view, at, end, Math.min(ANSWER_MAX, messageMax(s)))
  return end - at
}

/** RFC 5452, 9.1: id, question and its class are those that were sent. */
export function isAnswerTo(s: Core, q: Address, message: Address, end: Address): boolean {
  const { m } = s
  const { view } = m
  if (end - message < dns.DNS_HEADER) return false
  if (view.getUint16(message + dns.DNS_ID) !== m.get16(q + QUERY_ID)) return false
  const flags = view.getUint16(message + dns.DNS_FLAGS)
  if ((flags & (dns.DNS_RESPONSE | dns.DNS_OPCODE)) !== dns.DNS_RESPONSE) return false
  const at = message + dns.DNS_HEADER
  const behind = view.getUint16(message + dns.DNS_QUESTIONS) === 1 ? dns.skipQuestion(view, at, end) : -1
  if (behind === -1) return false
  return (
    view.getUint16(behind - 4) === m.get16(q + QUERY_TYPE) &&
    view.getUint16(behind - 2) === dns.CLASS_IN &&
    dns.nameIs(view, message, at, end, m.bytes, q + QUERY_NAME)
  )
}
