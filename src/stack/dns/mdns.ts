/**
 * Multicast DNS, RFC 6762: names that end in `.local` belong to the hosts of a link, which answer for themselves. Here what
 * comes in on port 5353 is told apart: questions go to the responder for our own name (responder.ts, respond.ts), answers
 * to those who asked (link-query.ts) and, when they speak of our name, to the responder as well.
 */
import { type Core, dropped, KIND_RESPONDER, KIND_RESPONSE } from '../core.ts'
import { Drop } from '../drop.ts'
import { ENOBUFS } from '../errno.ts'
import { isInOwnNetwork } from '../ip/local.ts'
import type { Address } from '../memory/arena.ts'
import { ADDRESS } from '../memory/layout.ts'
import type { Service } from '../udp/service.ts'
import { DNS_FLAGS, DNS_OPCODE, DNS_RCODE, DNS_RESPONSE, dnsIsValid, MDNS_PORT } from '../wire/dns.ts'
import { IP_DESTINATION, IP_SOURCE, isLinkLocal } from '../wire/ipv4.ts'
import { UDP_HEADER, UDP_SOURCE_PORT } from '../wire/udp.ts'
import { askLink, isAskingLink, learn } from './link-query.ts'
import { isMember, joinMdns, leaveMdns } from './membership.ts'
import { finish } from './query.ts'
import { questionInput, sendPending } from './respond.ts'
import {
  hearOfName,
  isProbing,
  probeAgain,
  responderTimer,
  startResponder,
  tellAddress,
  tellAddresses6,
  withdraw,
} from './responder.ts'

/** The feature MDNS as the resolver knows it. */
export interface MulticastNames extends Service {
  /** Asks the link for a query's name, for the first time or again, or gives it up. */
  ask(s: Core, q: Address): void
}

/** The feature mDNS; needs the features DNS, which has its cache and its queries, and IP_MULTICAST. */
export const mdns: MulticastNames = {
  start(s, config) {
    if (config.name === undefined) return
    startResponder(s, config.name)
    joinMdns(s)
  },
  owns: (s, port) => port === MDNS_PORT && isMember(s),

  input(s, ip, at, length) {
    const { m } = s
    const { view } = m
    const message = at + UDP_HEADER
    if (!dnsIsValid(view, message, length - UDP_HEADER)) return dropped(s, Drop.BadDns)
    const flags = view.getUint16(message + DNS_FLAGS)
    // RFC 6762, 18.3 and 18.11: other opcodes and response codes "MUST be silently ignored".
    if ((flags & (DNS_OPCODE | DNS_RCODE)) !== 0) return dropped(s, Drop.UnexpectedDns)
    const source = view.getInt32(ip + IP_SOURCE)
    // RFC 6762, 11: what was not sent on this link is ignored.
    if (s.link !== 0 || !(isInOwnNetwork(m, source, 0) || isLinkLocal(source)))
      return dropped(s, Drop.ForeignMdns)
    const port = view.getUint16(at + UDP_SOURCE_PORT)
    const end = at + length
    if ((flags & DNS_RESPONSE) === 0) {
      questionInput(s, message, end, source, port)
      return Drop.None
    }
    // RFC 6762, 6: "MUST silently ignore any Multicast DNS responses … where the source UDP port is not 5353".
    if (port !== MDNS_PORT) return dropped(s, Drop.ForeignMdns)
    const alone = view.getInt32(ip + IP_DESTINATION) === m.get32(ADDRESS)
    if (alone && !isAskingLink(m) && !isProbing(m)) return dropped(s, Drop.UnexpectedDns)
    hearOfName(s, message, end)
    learn(s, message, end)
    return Drop.None
  },

  expired(s, record, kind) {
    if (kind === KIND_RESPONDER) responderTimer(s, record)
    if (kind === KIND_RESPONSE) sendPending(s)
  },

  addressChanged: tellAddress,
  addresses6Changed: tellAddresses6,
  linkUp: probeAgain,
  leave(s) {
    withdraw(s)
    leaveMdns(s)
  },
  ask(s, q) {
    if (joinMdns(s)) askLink(s, q)
    else finish(s, q, ENOBUFS)
  },
}
