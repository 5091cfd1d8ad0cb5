/**
 * LLDP, IEEE 802.1AB-2016, clause 8: what a page tells its peer of itself, as TLVs behind an Ethernet header.
 *
 *   Chassis ID   subtype 4, a MAC address: the page's first host
 *   Port ID      subtype 7, locally assigned: the name of the port
 *   TTL          seconds for which this holds; 0 takes it back
 *   System Name  the name the page goes by
 *   Management Address, one per host: subtype 6 (IANA address family "all802"): the host's MAC
 *   IEEE 802.3 Maximum Frame Size (802.3.1, OUI 00-12-0F, subtype 4)
 *   End
 *
 * The codec is a subset: TLVs that it does not know are skipped, as 8.6 and 9.2.7.7 ask.
 */
import type { Field, Layer } from './dissect.ts'
import { ETH_HEADER, ETH_SOURCE, ETH_TYPE, ETHERTYPE_LLDP } from './ethernet.ts'

/** 7.1, table 7-1: the nearest bridge; no bridge forwards it. */
export const LLDP_DESTINATION = /* @__PURE__ */ Uint8Array.of(0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e)

const END = 0
const CHASSIS_ID = 1
const PORT_ID = 2
const TTL = 3
const SYSTEM_NAME = 5
const MANAGEMENT_ADDRESS = 8
const ORGANIZATION = 127
const CHASSIS_MAC = 4
const PORT_LOCAL = 7
/** IANA address family numbers: 6 is "802 (includes all 802 media plus Ethernet canonical format)". */
const FAMILY_802 = 6
const MANAGEMENT_LENGTH = 14
/** Annex on 802.3: OUI 00-12-0F, subtype 4. */
const OUI_8023_HIGH = 0x0012
const MAX_FRAME_SUBTYPE = 4
const PORT_NAME = 'wire'
/** 802.3 counts the four bytes of checksum, which this wire does not carry. */
const CHECKSUM = 4

/** The most hosts that one page announces; the frame then still fits any link. */
export const LLDP_MAX_HOSTS = 32
/** 8.5.6: 255 bytes at most. */
const NAME_MAX = 255

/** What a port says of itself to the one at the other end of the wire. */
export interface LldpAnnouncement {
  /** Printable ASCII, at most 255 characters; others arrive as '?'. */
  readonly name: string
  /** The hosts' addresses, 6 bytes each; the first is also the frame's source. */
  readonly macs: readonly Uint8Array[]
  /** The largest frame taken, header included, in bytes. */
  readonly maxFrame: number
  /** Seconds, 0 … 65535. */
  readonly ttl: number
}

const printable = (code: number): number => (code >= 0x20 && code < 0x7f ? code : 0x3f)

/** A whole frame. `source` is used while the page has no host to announce. */
export function putLldp(announcement: LldpAnnouncement, source: Uint8Array): Uint8Array {
  if (announcement.macs.length > LLDP_MAX_HOSTS)
    throw new RangeError(`LLDP announces ${LLDP_MAX_HOSTS} hosts at most, not ${announcement.macs.length}.`)
  const frame = new Uint8Array(1024)
  const view = new DataView(frame.buffer)
  const station = announcement.macs[0] ?? source
  frame.set(LLDP_DESTINATION, 0)
  frame.set(station, ETH_SOURCE)
  view.setUint16(ETH_TYPE, ETHERTYPE_LLDP)
  let at = ETH_HEADER
  const begin = (type: number, length: number) => {
    view.setUint16(at, (type << 9) | length)
    at += 2
  }
  const put = (...octets: number[]) => {
    for (const octet of octets) frame[at++] = octet
  }
  const text = (characters: string) => {
    for (let i = 0; i < characters.length; i++) put(printable(characters.charCodeAt(i)))
  }
  begin(CHASSIS_ID, 7)
  put(CHASSIS_MAC, ...station)
  begin(PORT_ID, 1 + PORT_NAME.length)
  put(PORT_LOCAL)
  text(PORT_NAME)
  begin(TTL, 2)
  put(announcement.ttl >>> 8, announcement.ttl)
  const name = announcement.name.slice(0, NAME_MAX)
  begin(SYSTEM_NAME, name.length)
  text(name)
  for (const mac of announcement.macs) {
    begin(MANAGEMENT_ADDRESS, MANAGEMENT_LENGTH)
    // 8.5.9: string length, subtype, address; interface numbering 1 = unknown, number 0; no object identifier.
    put(7, FAMILY_802, ...mac, 1, 0, 0, 0, 0, 0)
  }
  const largest = announcement.maxFrame + CHECKSUM
  begin(ORGANIZATION, 6)
  put(0x00, 0x12, 0x0f, MAX_FRAME_SUBTYPE, largest >>> 8, largest)
  begin(END, 0)
  return frame.slice(0, at)
}

/** One TLV as it stands in the frame: `at` is its value's offset. */
interface Tlv {
  readonly type: number
  readonly at: number
  readonly length: number
}

/** The TLVs up to End, or what is wrong with them (9.2.7.7.1: the three mandatory ones first, in order, once). */
function tlvs(frame: Uint8Array): readonly Tlv[] | string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const found: Tlv[] = []
  let at = ETH_HEADER
  for (;;) {
    if (at + 2 > frame.length) return 'The TLVs run past the end of the frame: End is missing.'
    const header = view.getUint16(at)
    const tlv = { type: header >>> 9, at: at + 2, length: header & 0x1ff }
    at = tlv.at + tlv.length
    if (at > frame.length) return `A TLV of type ${tlv.type} is longer than the frame.`
    const mandatory = found.length < 3 ? found.length + 1 : 0
    if (mandatory !== 0 && tlv.type !== mandatory)
      return 'Chassis ID, Port ID and TTL must come first, in this order.'
    if (mandatory === 0 && tlv.type >= CHASSIS_ID && tlv.type <= TTL) return 'A mandatory TLV is there twice.'
    if (tlv.type === END) return tlv.length === 0 ? found : 'End has a length.'
    found.push(tlv)
  }
}

const textAt = (frame: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...Array.from(frame.subarray(at, at + length), printable))

const isMac802 = (frame: Uint8Array, tlv: Tlv): boolean =>
  tlv.type === MANAGEMENT_ADDRESS &&
  tlv.length >= 8 &&
  frame[tlv.at] === 7 &&
  frame[tlv.at + 1] === FAMILY_802

const isMaxFrame = (view: DataView, tlv: Tlv): boolean =>
  tlv.type === ORGANIZATION &&
  tlv.length >= 6 &&
  view.getUint16(tlv.at) === OUI_8023_HIGH &&
  view.getUint16(tlv.at + 2) === ((0x0f << 8) | MAX_FRAME_SUBTYPE)

/** What a frame announces, or one sentence that says what is wrong with it. */
export function parseLldp(frame: Uint8Array): LldpAnnouncement | string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  if (frame.length < ETH_HEADER || view.getUint16(ETH_TYPE) !== ETHERTYPE_LLDP)
    return 'This is not an LLDP frame.'
  const found = tlvs(frame)
  if (typeof found === 'string') return found
  const macs: Uint8Array[] = []
  let name = ''
  let ttl = 0
  let maxFrame = 0
  for (const tlv of found) {
    if ((tlv.type === CHASSIS_ID || tlv.type === PORT_ID) && (tlv.length < 2 || tlv.length > 256))
      return 'Chassis ID and Port ID hold 1 to 255 bytes behind their subtype.'
    if (tlv.type === TTL && tlv.length < 2) return 'TTL holds two bytes.'
    if (tlv.type === TTL) ttl = view.getUint16(tlv.at)
    if (tlv.type === SYSTEM_NAME) name = textAt(frame, tlv.at, Math.min(tlv.length, NAME_MAX))
    if (isMac802(frame, tlv)) macs.push(frame.slice(tlv.at + 2, tlv.at + 8))
    if (isMaxFrame(view, tlv)) maxFrame = view.getUint16(tlv.at + 4) - CHECKSUM
  }
  if (macs.length > LLDP_MAX_HOSTS) return `More than ${LLDP_MAX_HOSTS} hosts are announced.`
  if (macs.some(mac => ((mac[0] as number) & 1) !== 0)) return 'A group address is announced as a host.'
  return { name, macs, maxFrame, ttl }
}

const hex = (frame: Uint8Array, at: number, length: number): string =>
  Array.from(frame.subarray(at, at + length), octet => octet.toString(16).padStart(2, '0')).join(':')

/** One TLV as a field. */
function field(frame: Uint8Array, view: DataView, tlv: Tlv): Field {
  const place = { offset: tlv.at - 2, length: tlv.length + 2 }
  if (tlv.type === CHASSIS_ID)
    return {
      name: 'Chassis ID',
      value: hex(frame, tlv.at + 1, tlv.length - 1),
      ...place,
      note: 'Which station sends this.',
    }
  if (tlv.type === PORT_ID)
    return {
      name: 'Port ID',
      value: textAt(frame, tlv.at + 1, tlv.length - 1),
      ...place,
      note: 'Which of its ports.',
    }
  if (tlv.type === TTL && tlv.length >= 2)
    return {
      name: 'Time To Live',
      value: `${view.getUint16(tlv.at)} s`,
      ...place,
      note: 'How long the neighbour keeps this; 0 takes it back.',
    }
  if (tlv.type === SYSTEM_NAME)
    return {
      name: 'System Name',
      value: textAt(frame, tlv.at, tlv.length),
      ...place,
      note: 'The name the page goes by.',
    }
  if (isMac802(frame, tlv))
    return {
      name: 'Management Address',
      value: hex(frame, tlv.at + 2, 6),
      ...place,
      note: 'A host of this page; the peer may send from it.',
    }
  if (isMaxFrame(view, tlv))
    return {
      name: 'Maximum Frame Size',
      value: `${view.getUint16(tlv.at + 4)} bytes`,
      ...place,
      note: 'The largest frame it takes, with the four bytes of checksum that IEEE 802.3 counts.',
    }
  return {
    name: `TLV of type ${tlv.type}`,
    value: hex(frame, tlv.at, tlv.length),
    ...place,
    note: 'Not one that lanlet uses.',
  }
}

/** The readable form: the LLDP layer of a frame whose EtherType is LLDP. */
export function readLldp(frame: Uint8Array): Layer {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const found = tlvs(frame)
  const said = parseLldp(frame)
  const fields = typeof found === 'string' ? [] : found.map(tlv => field(frame, view, tlv))
  const whole = { offset: ETH_HEADER, length: Math.max(1, frame.length - ETH_HEADER) }
  const fault: readonly Field[] =
    typeof said === 'string'
      ? [
          {
            name: 'TLVs',
            value: 'malformed',
            ...whole,
            note: 'Type, length, value, one after the other.',
            wrong: said,
          },
        ]
      : []
  return {
    name: 'Link Layer Discovery Protocol',
    source: 'IEEE 802.1AB, 8',
    ...whole,
    fields: [...fields, ...fault],
    summary: typeof said === 'string' ? `LLDP, malformed: ${said}` : summary(said),
  }
}

const summary = (said: LldpAnnouncement): string =>
  said.ttl === 0
    ? `LLDP ${said.name} leaves`
    : `LLDP ${said.name} has ${said.macs.map(mac => hex(mac, 0, 6)).join(', ') || 'no host'}`
