/** What a router does to a packet that it would rather not drop (RFC 3168, 5): it writes CE over ECT. */
import { ETH_HEADER, ETH_TYPE, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../stack/wire/ethernet.ts'
import { IP_CHECKSUM, IP_HEADER, IP_TOS } from '../stack/wire/ipv4.ts'
import { IP6_HEADER } from '../stack/wire/ipv6.ts'

const CE = 3

/** A copy with CE; the frame itself when it carries no packet of an ECN-capable transport. */
export function withCe(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (view.byteLength < ETH_HEADER + IP_HEADER) return frame
  const type = view.getUint16(ETH_TYPE)
  if (type === ETHERTYPE_IPV4) return marked4(view) ?? frame
  return type === ETHERTYPE_IPV6 && view.byteLength >= ETH_HEADER + IP6_HEADER
    ? (marked6(view) ?? frame)
    : frame
}

function copyOf(view: DataView): { bytes: Uint8Array; copy: DataView } {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()
  return { bytes, copy: new DataView(bytes.buffer) }
}

function marked4(view: DataView): Uint8Array | undefined {
  const ecn = view.getUint8(ETH_HEADER + IP_TOS) & CE
  if (ecn === 0 || ecn === CE) return undefined
  const { bytes, copy } = copyOf(view)
  copy.setUint8(ETH_HEADER + IP_TOS, copy.getUint8(ETH_HEADER + IP_TOS) | CE)
  // RFC 1624, 3: HC' = ~(~HC + ~m + m').
  const sum = (~view.getUint16(ETH_HEADER + IP_CHECKSUM) & 0xffff) + CE - ecn
  copy.setUint16(ETH_HEADER + IP_CHECKSUM, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff)
  return bytes
}

/** RFC 8200, 3: the traffic class stands behind the four bits of the version. */
function marked6(view: DataView): Uint8Array | undefined {
  const ecn = (view.getUint16(ETH_HEADER) >> 4) & CE
  if (ecn === 0 || ecn === CE) return undefined
  const { bytes, copy } = copyOf(view)
  copy.setUint16(ETH_HEADER, copy.getUint16(ETH_HEADER) | (CE << 4))
  return bytes
}
