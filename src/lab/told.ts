/**
 * What pages tell each other over a room's control channel: which hosts they run, and how the states of their
 * connections change. What arrives was written by another: it is checked field by field, bounded, and counted when
 * it is rubbish.
 */
import type { PeerId, StateRecord } from '../host/protocol.ts'
import { TCP_STATES, type TcpState } from '../stack/inspect/inspect.ts'
import { formatIpv4, parseIpv4 } from '../stack/ip/addresses.ts'
import { LLDP_MAX_HOSTS } from '../stack/wire/lldp.ts'
import type { LoggedFrame } from './frame-log.ts'
import type { ToldHost } from './stations.ts'

/** A state change in terms that mean the same on both pages. */
export interface ToldState {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly state: TcpState
  /** The fingerprint of the frame with which it changed; frames are numbered differently on each page. */
  readonly frame: string | undefined
}

export type Told =
  | { readonly kind: 'hosts'; readonly hosts: readonly ToldHost[] }
  | { readonly kind: 'states'; readonly states: readonly ToldState[] }

/** As many as a page announces on the wire. */
export const MOST_HOSTS = LLDP_MAX_HOSTS
export const MOST_STATES = 64

const STATES: ReadonlySet<string> = new Set(TCP_STATES)

const isState = (value: unknown): value is TcpState => typeof value === 'string' && STATES.has(value)

/** Dotted decimal, as every page writes it. */
export const isAddress = (value: unknown): value is string => {
  const address = typeof value === 'string' ? parseIpv4(value) : undefined
  return address !== undefined && formatIpv4(address) === value
}

/** One station's, a vendor's or its own: IEEE 802, 8.2.2, the lowest bit of the first octet marks a group. */
const isStation = (mac: string): boolean => /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac)

const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** Undefined for anything that no page of ours would say. */
export function readTold(message: unknown): Told | undefined {
  if (!isObject(message)) return undefined
  const { kind } = message
  if (kind === 'hosts') {
    const hosts = readList(message, kind, MOST_HOSTS, readHost)
    return hosts && { kind, hosts }
  }
  if (kind === 'states') {
    const states = readList(message, kind, MOST_STATES, readState)
    return states && { kind, states }
  }
  return undefined
}

function readList<T>(
  message: Fields,
  key: string,
  most: number,
  read: (one: Fields) => T | undefined,
): T[] | undefined {
  const value = message[key]
  if (!Array.isArray(value) || value.length > most) return undefined
  const list: T[] = []
  for (const one of value) {
    const item = isObject(one) ? read(one) : undefined
    if (item === undefined) return undefined
    list.push(item)
  }
  return list
}

function readHost(fields: Fields): ToldHost | undefined {
  const { name, mac, address } = fields
  if (typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name)) return undefined
  if (typeof mac !== 'string' || !isStation(mac)) return undefined
  if (address !== undefined && !isAddress(address)) return undefined
  return { name, mac, address }
}

function readState(fields: Fields): ToldState | undefined {
  const { localAddress, localPort, remoteAddress, remotePort, state, frame } = fields
  if (!isAddress(localAddress) || !isAddress(remoteAddress) || !isPort(localPort) || !isPort(remotePort))
    return undefined
  if (!isState(state)) return undefined
  if (frame !== undefined && !(typeof frame === 'string' && /^[0-9a-f]{8}$/.test(frame))) return undefined
  return { localAddress, localPort, remoteAddress, remotePort, state, frame }
}

/** FNV-1a, 32 bits: enough to find one frame of one connection again. */
export function fingerprint(bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

export function tellState(record: StateRecord, frame: LoggedFrame | undefined): ToldState {
  const { localAddress, localPort, remoteAddress, remotePort, state } = record
  const print = frame && fingerprint(frame.bytes)
  return { localAddress, localPort, remoteAddress, remotePort, state, frame: print }
}

/** What the pages of the room have told, one shelf a page. */
export class ToldBook {
  readonly #hosts = new Map<PeerId, readonly ToldHost[]>()
  #refused = 0

  get hosts(): ReadonlyMap<PeerId, readonly ToldHost[]> {
    return this.#hosts
  }

  /** How many messages were rubbish. */
  get refused(): number {
    return this.#refused
  }

  /** Takes a message. Returns the states in it that are the peer's to tell: those of its own hosts' connections. */
  take(peer: PeerId, message: unknown): readonly ToldState[] {
    const told = readTold(message)
    if (told === undefined) {
      this.#refused++
      return []
    }
    if (told.kind === 'hosts') {
      this.#hosts.set(peer, told.hosts)
      return []
    }
    const own = new Set(this.#hosts.get(peer)?.map(host => host.address))
    const states = told.states.filter(state => own.has(state.localAddress))
    this.#refused += told.states.length - states.length
    return states
  }

  forget(peer: PeerId): void {
    this.#hosts.delete(peer)
  }
}
