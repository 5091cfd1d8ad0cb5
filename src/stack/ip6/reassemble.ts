/**
 * Reassembly, RFC 8200, 4.5, without overlaps (RFC 5722): the work and its bounds are those of ip/reassemble.ts, in buckets
 * of its own. Which packet a fragment belongs to, its addresses and its identification, is read where they stand: in
 * the page of the fragment that came first.
 */
import { type Core, count, dropped, KIND_REASSEMBLY, RECORD_KIND } from '../core.ts'
import { Drop } from '../drop.ts'
import { frameAt } from '../ethernet/frames.ts'
import { sendParameterProblem } from '../icmp6/errors.ts'
import { DATAGRAM_MAX } from '../ip/fragment.ts'
import {
  BUCKET,
  BUCKET_IPV6,
  BYTES_IN_ALL,
  end as endReassembly,
  FRAGMENTS_HEAD,
  FULL,
  holdFragment,
  isWhole,
  slotOf,
} from '../ip/reassemble.ts'
import { type Address, type Arena, freePages, PAGE_OFFSET, pageOf } from '../memory/arena.ts'
import { CHAIN, hashOf } from '../memory/table.ts'
import { ipReasmFails, ipReasmOKs, ipReasmReqds } from '../mib.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import { PARAMETER_FIELD, PARAMETER_INCOMPLETE_CHAIN } from '../wire/icmp6.ts'
import {
  FRAGMENT_FIELD,
  FRAGMENT_HEADER,
  FRAGMENT_ID,
  FRAGMENT_MORE,
  FRAGMENT_OFFSET,
  IP6_DESTINATION,
  IP6_HEADER,
  IP6_PAYLOAD_LENGTH,
  IP6_SOURCE,
} from '../wire/ipv6.ts'
import { reachesUpperLayer } from './chain.ts'
import { header6At } from './output.ts'
import { deliverReassembled6 } from './reassembled.ts'
import { digestOf, isSame } from './records.ts'

/** The packet from `ip` to `end` whose fragment header stands at `at`. */
export function fragmentInput6(s: Core, ip: Address, at: Address, end: Address, toAll: boolean): Drop {
  const { m } = s
  // IP_FRAG is the switch for both versions.
  if (s.features.fragments === undefined) return dropped(s, Drop.Fragment)
  const { buckets, chain } = s.features.fragments.bounds
  count(s, ipReasmReqds)
  const field = m.view.getUint16(at + FRAGMENT_FIELD)
  const offset = field & FRAGMENT_OFFSET
  const more = (field & FRAGMENT_MORE) !== 0
  const fault = faultOf(s, ip, at, end, offset, more, toAll)
  if (fault !== Drop.None) return dropped(s, fault)
  const id = m.get32(at + FRAGMENT_ID)
  const hash = hashOf(m, digestOf(m, ip + IP6_SOURCE), digestOf(m, ip + IP6_DESTINATION), id)
  const bucket = BUCKET_IPV6 | (hash & (buckets - 1))
  const found = find(m, bucket, ip, id, chain)
  if (found === FULL) return dropped(s, Drop.ReassemblyFull)
  const payload = at + FRAGMENT_HEADER
  const r = holdFragment(s, found, bucket, payload, offset, end - payload, more)
  if (r < 0) return dropped(s, -r as Drop)
  return isWhole(m, r) ? complete(s, r, toAll) : Drop.None
}

/** What is wrong with a fragment by itself; its sender is told what 4.5 has him told. */
function faultOf(
  s: Core,
  ip: Address,
  at: Address,
  end: Address,
  offset: number,
  more: boolean,
  toAll: boolean,
): Drop {
  const length = end - at - FRAGMENT_HEADER
  if (length === 0) return Drop.BadFragmentLength
  if (more && (length & 7) !== 0) {
    sendParameterProblem(s, ip, end, PARAMETER_FIELD, IP6_PAYLOAD_LENGTH, toAll)
    return Drop.BadFragmentLength
  }
  if (at - ip - IP6_HEADER + offset + length > DATAGRAM_MAX) {
    sendParameterProblem(s, ip, end, PARAMETER_FIELD, at + FRAGMENT_FIELD - ip, toAll)
    return Drop.FragmentBeyondEnd
  }
  if (offset === 0 && !reachesUpperLayer(s.m, at, at + FRAGMENT_HEADER, end)) {
    sendParameterProblem(s, ip, end, PARAMETER_INCOMPLETE_CHAIN, 0, toAll)
    return Drop.TinyFragment
  }
  return Drop.None
}

/** The packet that the fragment at `ip` belongs to; 0 when it is the first of it, FULL when no more may wait in its bucket. */
function find(m: Arena, bucket: number, ip: Address, id: number, most: number): Address {
  let waiting = 0
  for (let r = m.get32(slotOf(m, bucket)); r !== 0; r = m.get32(r + CHAIN)) {
    if (m.get8(r + RECORD_KIND) !== KIND_REASSEMBLY || m.get16(r + BUCKET) !== bucket) continue
    const page = pageOf(m, r)
    const known = header6At(page)
    const header = page + m.get16(page + PAGE_OFFSET) - FRAGMENT_HEADER
    if (
      m.get32(header + FRAGMENT_ID) === id &&
      isSame(m, known + IP6_SOURCE, ip + IP6_SOURCE) &&
      isSame(m, known + IP6_DESTINATION, ip + IP6_DESTINATION)
    )
      return r
    waiting++
  }
  return waiting < most ? 0 : FULL
}

function complete(s: Core, r: Address, toAll: boolean): Drop {
  const { m } = s
  const head = m.get32(r + FRAGMENTS_HEAD)
  const length = m.get32(r + BYTES_IN_ALL)
  endReassembly(m, r)
  // What stands before the fragment header, IPv6's own header and all.
  const unfragmentable = m.get16(head + PAGE_OFFSET) - FRAGMENT_HEADER - (frameAt(0) + ETH_HEADER)
  if (unfragmentable - IP6_HEADER + length > DATAGRAM_MAX) {
    count(s, ipReasmFails)
    freePages(m, head)
    return dropped(s, Drop.FragmentBeyondEnd)
  }
  count(s, ipReasmOKs)
  return deliverReassembled6(s, head, unfragmentable, length, toAll)
}
