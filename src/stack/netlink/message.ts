/**
 * Netlink messages as Linux has them (linux/netlink.h, linux/rtnetlink.h): a header of 16 bytes, a fixed part by type, then
 * attributes of a length, a type and a value each, all aligned to 4 bytes. Numbers of the protocol itself are
 * little-endian, as on most machines that run Linux; addresses stand as they do on the wire.
 */
import { type Arena, PAGE, PAGE_LENGTH, PAGE_OFFSET, type Page } from '../memory/arena.ts'

/** The header: its length, and offsets in bytes behind the message's own length at 0. */
export const NLMSG_HEADER = 16
export const NLMSG_TYPE = 4
export const NLMSG_FLAGS = 6
export const NLMSG_SEQ = 8
export const NLMSG_PID = 12

/** Types of netlink itself: an error or an acknowledgment, the end of a dump. */
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
/** Types below this one are netlink's own. */
export const NLMSG_MIN_TYPE = 16

/** Flags. Those of GET (DUMP) and of NEW (REPLACE, EXCL, CREATE) share their bits. */
export const NLM_F_REQUEST = 1
export const NLM_F_MULTI = 2
export const NLM_F_ACK = 4
export const NLM_F_DUMP = 0x300
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400

/** Each kind of thing has three types: NEW, DEL and GET behind each other. */
export const RTM_NEWLINK = 16
export const RTM_NEWADDR = 20
export const RTM_NEWROUTE = 24
export const RTM_NEWNEIGH = 28
export const NEW = 0
export const DEL = 1
export const GET = 2

/** The bits of `bind`: which changes a socket is told of. */
export const RTMGRP_LINK = 1
export const RTMGRP_NEIGH = 4
export const RTMGRP_IPV4_IFADDR = 0x10
export const RTMGRP_IPV4_ROUTE = 0x40

/** Families, the first byte of the fixed part. */
export const AF_UNSPEC = 0
export const AF_INET = 2

/** Where messages begin in a page. */
const FIRST = 28
/** The longest message that is made here is shorter: one attribute after the other, of a few words each. */
const LONGEST = 128

/** A page with no message yet. */
export function beginPage(m: Arena, page: Page): void {
  m.put16(page + PAGE_OFFSET, FIRST)
  m.put16(page + PAGE_LENGTH, 0)
}

/** Where the next byte goes. */
const endOf = (m: Arena, page: Page): number => page + FIRST + m.get16(page + PAGE_LENGTH)

/** Whether another message surely fits. */
export const hasRoom = (m: Arena, page: Page, more = LONGEST): boolean => endOf(m, page) + more <= page + PAGE

/** Begins a message with a zeroed fixed part of `size` bytes; where that stands. Ends with endMessage. */
export function beginMessage(
  m: Arena,
  page: Page,
  type: number,
  flags: number,
  seq: number,
  pid: number,
  size: number,
): number {
  const at = endOf(m, page)
  m.bytes.fill(0, at, at + NLMSG_HEADER + size)
  m.put16(at + NLMSG_TYPE, type)
  m.put16(at + NLMSG_FLAGS, flags)
  m.put32(at + NLMSG_SEQ, seq)
  m.put32(at + NLMSG_PID, pid)
  grow(m, page, NLMSG_HEADER + size)
  return at + NLMSG_HEADER
}

/** The message whose fixed part stands at `body` gets its length. */
export function endMessage(m: Arena, page: Page, body: number): void {
  const at = body - NLMSG_HEADER
  m.put32(at, endOf(m, page) - at)
}

/** Room for an attribute of `length` bytes; where its value stands. */
export function putAttribute(m: Arena, page: Page, type: number, length: number): number {
  const at = endOf(m, page)
  m.put16(at, 4 + length)
  m.put16(at + 2, type)
  m.bytes.fill(0, at + 4, at + align(4 + length))
  grow(m, page, align(4 + length))
  return at + 4
}

/** An attribute of 32 bits, little-endian. */
export function putNumber(m: Arena, page: Page, type: number, value: number): void {
  m.put32(putAttribute(m, page, type, 4), value)
}

/** An IPv4 address, its first octet first. */
export function putAddress(m: Arena, page: Page, type: number, address: number): void {
  m.view.setInt32(putAttribute(m, page, type, 4), address)
}

/** Letters and a zero. */
export function putName(m: Arena, page: Page, type: number, name: string): void {
  const at = putAttribute(m, page, type, name.length + 1)
  for (let i = 0; i < name.length; i++) m.put8(at + i, name.charCodeAt(i))
}

const grow = (m: Arena, page: Page, by: number): void =>
  m.put16(page + PAGE_LENGTH, m.get16(page + PAGE_LENGTH) + by)
/** Rounded up to a multiple of 4 bytes, NLMSG_ALIGNTO. */
export const align = (length: number): number => (length + 3) & ~3

/** A message of a program, whose length is that of the view: header, fixed part and attributes. */
export interface Request {
  readonly view: DataView
  readonly type: number
  readonly flags: number
  readonly seq: number
}

/** The value of an attribute behind a fixed part of `fixed` bytes, as its place; 0 where there is none of `length` bytes. */
export function attributeOf({ view }: Request, fixed: number, type: number, length: number): number {
  for (let at = NLMSG_HEADER + fixed; at + 4 <= view.byteLength; ) {
    const size = view.getUint16(at, true)
    if (size < 4 || at + size > view.byteLength) return 0
    // The upper two bits are flags.
    if ((view.getUint16(at + 2, true) & 0x3fff) === type) return size === 4 + length ? at + 4 : 0
    at += align(size)
  }
  return 0
}

/** An attribute of one word that is an address; undefined where there is none. */
export function addressIn(request: Request, fixed: number, type: number): number | undefined {
  const at = attributeOf(request, fixed, type, 4)
  return at === 0 ? undefined : request.view.getInt32(at)
}

/** An attribute of one word that is a number; undefined where there is none. */
export function numberIn(request: Request, fixed: number, type: number): number | undefined {
  const at = attributeOf(request, fixed, type, 4)
  return at === 0 ? undefined : request.view.getInt32(at, true)
}
