/** What a host tells of itself while it runs: its sockets as ss lists them, and its changes as netlink's messages. */
import { ss } from '../stack/inspect/ss.ts'
import { type Call, result } from './calls.ts'
import { NotationError } from './notation.ts'
import { macText } from './packets/bytes.ts'

/** linux/rtnetlink.h: the things that messages are about, by the first of their three types, and their attributes. */
const THINGS: Readonly<Record<number, { readonly name: string; readonly fixed: number }>> = {
  16: { name: 'LINK', fixed: 16 },
  20: { name: 'ADDR', fixed: 8 },
  24: { name: 'ROUTE', fixed: 12 },
  28: { name: 'NEIGH', fixed: 12 },
}
const ATTRIBUTE_ADDRESS = 1
const ATTRIBUTE_MAC = 2
const ATTRIBUTE_GATEWAY = 5
const STATES: Readonly<Record<number, string>> = { 1: 'INCOMPLETE', 2: 'REACHABLE', 4: 'STALE', 32: 'FAILED' }
const GROUPS: Readonly<Record<string, number>> = { link: 1, neigh: 4, addr: 0x10, route: 0x40 }

/** The messages of a buffer, each in the script's words. */
function messages(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const texts: string[] = []
  for (let at = 0; at + 16 <= bytes.length; at += view.getUint32(at, true))
    texts.push(message(view, at, at + view.getUint32(at, true)))
  return texts
}

function message(view: DataView, at: number, end: number): string {
  const type = view.getUint16(at + 4, true)
  if (type === 2) return `ERROR ${view.getInt32(at + 16, true)}`
  const thing = THINGS[type & ~3]
  if (thing === undefined) return type === 3 ? 'DONE' : `type ${type}`
  const body = at + 16
  const attribute = (wanted: number): number => {
    for (let i = body + thing.fixed; i + 4 <= end; i += (view.getUint16(i, true) + 3) & ~3)
      if (view.getUint16(i + 2, true) === wanted) return i + 4
    return 0
  }
  const address = (wanted: number): string => {
    const place = attribute(wanted)
    return place === 0 ? 'default' : [0, 1, 2, 3].map(i => view.getUint8(place + i)).join('.')
  }
  const words = [`${['NEW', 'DEL', 'GET'][type & 3]}${thing.name}`]
  if (thing.name === 'LINK') return words.join(' ')
  words.push(address(ATTRIBUTE_ADDRESS))
  if (thing.name !== 'NEIGH') words[1] += `/${view.getUint8(body + 1)}`
  if (thing.name === 'ROUTE' && attribute(ATTRIBUTE_GATEWAY) !== 0)
    words.push(`via ${address(ATTRIBUTE_GATEWAY)}`)
  if (thing.name === 'NEIGH') {
    words.push(STATES[view.getUint16(body + 8, true)] ?? '?')
    const mac = attribute(ATTRIBUTE_MAC)
    if (mac !== 0) words.push(macText(new Uint8Array(view.buffer, view.byteOffset), mac))
  }
  return words.join(' ')
}

export const LISTING_CALLS: Readonly<Record<string, Call>> = {
  /** The nth line of ss, its words one space apart, up to the last one that the script has. */
  ss(caller, [line = ''], expected) {
    const lines = ss(caller.stack).split('\n').slice(1)
    const words = lines[Number(line) - 1]?.split(/\s+/)
    return words?.slice(0, expected.split(' ').length).join(' ') ?? 'none'
  },
  /** 'watch(3, addr, route)': of whose changes a netlink socket is told. */
  watch(caller, [name = '', ...groups]) {
    const wrong = groups.find(group => GROUPS[group] === undefined)
    if (wrong !== undefined) throw new NotationError(`There is no group '${wrong}'.`)
    const mask = groups.reduce((sum, group) => sum | (GROUPS[group] ?? 0), 0)
    return result(caller.stack.bind(caller.socketOf(name), mask, 0))
  },
  /** All that waits on a netlink socket. */
  told(caller, [name = '']) {
    const into = new Uint8Array(4096)
    const texts: string[] = []
    for (;;) {
      const got = caller.stack.recv(caller.socketOf(name), into)
      if (got < 0) return texts.join(', ') || result(got)
      texts.push(...messages(into.slice(0, got)))
    }
  },
}
