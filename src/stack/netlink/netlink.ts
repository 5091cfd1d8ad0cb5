/**
 * RTNETLINK's socket, as Linux's rtnetlink(7): a program sends requests as messages and reads the answers, as `ip` does.
 *
 *     RTM_GETLINK, GETADDR, GETROUTE, GETNEIGH   one thing, or with NLM_F_DUMP all of them, then NLMSG_DONE
 *     RTM_NEWADDR, NEWROUTE, NEWNEIGH, and DEL…  a change; NLMSG_ERROR says how it ended, 0 when NLM_F_ACK asks for it
 *
 * A socket bound to groups is told of changes as they happen. Messages wait in the socket's queue like datagrams; what finds
 * no room is lost, and the next `recv` says ENOBUFS, so that the program asks for all of it again. A dump goes on as it is
 * read, a page at a time, so a table of any size takes one page.
 */
import { type Core, KIND_NETLINK } from '../core.ts'
import { EAFNOSUPPORT, EAGAIN, EBUSY, EINVAL, ENOBUFS, EOPNOTSUPP, type Errno, isErrno } from '../errno.ts'
import { type Address, type Page, takePage } from '../memory/arena.ts'
import { append, remove } from '../memory/fifo.ts'
import { NETLINK_HEAD, POOL_DATAGRAMS } from '../memory/layout.ts'
import {
  isFull,
  LOST,
  MEMBERSHIPS,
  NEXT_OF_KIND,
  QUEUE_HEAD,
  queuePages,
  SLOTS,
  takeDatagram,
} from '../socket/datagrams.ts'
import type { SocketFamily } from '../socket/family.ts'
import { clearFlag, hasFlag, LOCAL_ADDRESS, LOCAL_PORT, setFlag } from '../socket/record.ts'
import { handleOf } from '../socket/socket.ts'
import { type Endpoint, Protocol } from '../stack.ts'
import {
  AF_INET,
  AF_UNSPEC,
  align,
  beginMessage,
  beginPage,
  DEL,
  endMessage,
  GET,
  hasRoom,
  NEW,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_FLAGS,
  NLMSG_HEADER,
  NLMSG_MIN_TYPE,
  NLMSG_SEQ,
  NLMSG_TYPE,
  type Request,
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV4_ROUTE,
  RTMGRP_LINK,
  RTMGRP_NEIGH,
} from './message.ts'
import { addressTable, linkTable, neighbourTable, routeTable, TABLES, type Table } from './tables.ts'

/** The feature NETLINK as core code knows it: sockets, and news for those that are bound to a group. */
export interface NetlinkSockets extends SocketFamily {
  /** Something is new or has changed, or (`gone`) is about to go. */
  linkChanged(s: Core, link: number): void
  addressChanged(s: Core, route: Address, gone: boolean): void
  routeChanged(s: Core, route: Address, gone: boolean): void
  neighbourChanged(s: Core, neighbour: Address, gone: boolean): void
}

/**
 * The record, see socket/record.ts: the groups, the dump that goes on (its type; 0: none), its number, what it has told. A program's
 * number must not stand where other sockets have addresses: it could be taken for the word of an IPv6 one (ip6/word.ts).
 */
const GROUPS = LOCAL_ADDRESS
const DUMP_TYPE = LOCAL_PORT
const DUMP_SEQ = MEMBERSHIPS
const DUMP_TOLD = SLOTS
/** Those that there are; other bits of a mask mean nothing here. */
const ALL_GROUPS = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE
/** A flag of the record: something was lost. */
const FLAG_OVERRUN = 64

/** The feature NETLINK. */
export const netlinkSockets: NetlinkSockets = {
  protocol: Protocol.Netlink,
  kind: KIND_NETLINK,

  open({ m }, socket) {
    append(m, NETLINK_HEAD, socket, NEXT_OF_KIND)
    return 0
  },

  close({ m }, socket) {
    m.put32(socket + DUMP_SEQ, 0)
    remove(m, NETLINK_HEAD, socket, NEXT_OF_KIND)
  },

  bind({ m }, socket, groups) {
    m.put32(socket + GROUPS, groups & ALL_GROUPS)
    return 0
  },

  /** As many messages as there are; what cannot be one ends them, as in Linux. */
  send(s, socket, data) {
    for (let at = 0; at + NLMSG_HEADER <= data.length; ) {
      const view = new DataView(data.buffer, data.byteOffset + at, data.length - at)
      const length = view.getUint32(0, true)
      if (length < NLMSG_HEADER || length > view.byteLength) break
      take(s, socket, new DataView(data.buffer, data.byteOffset + at, length))
      at += align(length)
    }
    return data.length
  },

  recv(s, socket, into) {
    const { m } = s
    if (hasFlag(m, socket, FLAG_OVERRUN)) {
      clearFlag(m, socket, FLAG_OVERRUN)
      return ENOBUFS
    }
    if (m.get32(socket + QUEUE_HEAD) === 0 && m.get16(socket + DUMP_TYPE) !== 0) goOn(s, socket)
    return m.get32(socket + QUEUE_HEAD) === 0 ? EAGAIN : takeDatagram(s, socket, into, nowhere)
  },

  linkChanged: (s, link) => tell(s, linkTable, link, false),
  addressChanged: (s, route, gone) => tell(s, addressTable, route, gone),
  routeChanged: (s, route, gone) => tell(s, routeTable, route, gone),
  neighbourChanged: (s, neighbour, gone) => tell(s, neighbourTable, neighbour, gone),
}

/** Where messages come from. */
const nowhere: Endpoint = { address: 0, port: 0 }

/** One message of a program. */
function take(s: Core, socket: Address, view: DataView): void {
  const request: Request = {
    view,
    type: view.getUint16(NLMSG_TYPE, true),
    flags: view.getUint16(NLMSG_FLAGS, true),
    seq: view.getInt32(NLMSG_SEQ, true),
  }
  if ((request.flags & NLM_F_REQUEST) === 0) return
  const error = request.type < NLMSG_MIN_TYPE ? 0 : perform(s, socket, request)
  if (error !== 0 || (request.flags & NLM_F_ACK) !== 0) acknowledge(s, socket, request, error)
}

function perform(s: Core, socket: Address, request: Request): 0 | Errno {
  const table = TABLES.find(({ type }) => type === (request.type & ~3))
  if (table === undefined) return EOPNOTSUPP
  const family = request.view.byteLength > NLMSG_HEADER ? request.view.getUint8(NLMSG_HEADER) : AF_UNSPEC
  if (family !== AF_UNSPEC && family !== AF_INET) return EAFNOSUPPORT
  const verb = request.type & 3
  if (verb === GET && (request.flags & NLM_F_DUMP) === NLM_F_DUMP) return beginDump(s, socket, request)
  if (request.view.byteLength < NLMSG_HEADER + table.fixed) return EINVAL
  switch (verb) {
    case NEW:
      return table.add?.(s, request) ?? EOPNOTSUPP
    case DEL:
      return table.remove?.(s, request) ?? EOPNOTSUPP
    case GET:
      return answer(s, socket, request, table)
    default:
      return EOPNOTSUPP
  }
}

/** The one thing that a GET asks for. */
function answer(s: Core, socket: Address, request: Request, table: Table): 0 | Errno {
  const entry = table.find?.(s, request) ?? EOPNOTSUPP
  if (isErrno(entry)) return entry
  const page = pageFor(s, socket)
  if (page === 0) return 0
  write(s, page, table, NEW, entry, 0, request.seq, handleOf(s.m, socket))
  deliver(s, socket, page)
  return 0
}

function beginDump({ m }: Core, socket: Address, request: Request): 0 | Errno {
  if (m.get16(socket + DUMP_TYPE) !== 0) return EBUSY
  m.put16(socket + DUMP_TYPE, request.type & ~3)
  m.put32(socket + DUMP_SEQ, request.seq)
  m.put32(socket + DUMP_TOLD, 0)
  return 0
}

/** The next page of the dump; the last ends with NLMSG_DONE. */
function goOn(s: Core, socket: Address): void {
  const { m } = s
  const table = TABLES.find(({ type }) => type === m.get16(socket + DUMP_TYPE))
  const page = table === undefined ? 0 : pageFor(s, socket)
  if (table === undefined || page === 0) return
  const seq = m.get32(socket + DUMP_SEQ)
  const pid = handleOf(m, socket)
  const told = m.get32(socket + DUMP_TOLD)
  let entries = 0
  let written = 0
  table.visit(s, entry => {
    if (entries++ < told + written || !hasRoom(m, page)) return
    write(s, page, table, NEW, entry, NLM_F_MULTI, seq, pid)
    written++
  })
  m.put32(socket + DUMP_TOLD, told + written)
  if (told + written >= entries && hasRoom(m, page)) {
    endMessage(m, page, beginMessage(m, page, NLMSG_DONE, NLM_F_MULTI, seq, pid, 4))
    m.put16(socket + DUMP_TYPE, 0)
  }
  deliver(s, socket, page)
}

/** Tells all who have joined the table's group. */
function tell(s: Core, table: Table, entry: number, gone: boolean): void {
  const { m } = s
  for (let socket = m.get32(NETLINK_HEAD); socket !== 0; socket = m.get32(socket + NEXT_OF_KIND)) {
    if ((m.get32(socket + GROUPS) & table.group) === 0) continue
    const page = pageFor(s, socket)
    if (page === 0) continue
    write(s, page, table, gone ? DEL : NEW, entry, 0, 0, 0)
    deliver(s, socket, page)
  }
}

/** NLMSG_ERROR: how a request ended, and which it was: its header, or where it failed all of it. */
function acknowledge(s: Core, socket: Address, { view, seq }: Request, error: 0 | Errno): void {
  const { m } = s
  const page = pageFor(s, socket)
  if (page === 0) return
  const whole = error !== 0 && hasRoom(m, page, NLMSG_HEADER + 4 + view.byteLength)
  const length = whole ? view.byteLength : NLMSG_HEADER
  const body = beginMessage(m, page, NLMSG_ERROR, 0, seq, handleOf(m, socket), 4 + align(length))
  m.put32(body, error)
  for (let i = 0; i < length; i++) m.put8(body + 4 + i, view.getUint8(i))
  endMessage(m, page, body)
  deliver(s, socket, page)
}

function write(
  s: Core,
  page: Page,
  table: Table,
  verb: number,
  entry: number,
  flags: number,
  seq: number,
  pid: number,
): void {
  const body = beginMessage(s.m, page, table.type + verb, flags, seq, pid, table.fixed)
  table.write(s, page, body, entry)
  endMessage(s.m, page, body)
}

/** A page for messages to a socket; 0, and it will be told, when there is no room for more. */
function pageFor({ m }: Core, socket: Address): Page {
  const page = isFull(m, socket) ? 0 : takePage(m, POOL_DATAGRAMS, false)
  if (page !== 0) beginPage(m, page)
  else {
    setFlag(m, socket, FLAG_OVERRUN)
    m.add32(socket + LOST, 1)
  }
  return page
}

const deliver = ({ m }: Core, socket: Address, page: Page): void => queuePages(m, socket, page, 0, 0)
