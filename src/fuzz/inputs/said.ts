/**
 * What other pages say, and what storage and servers give back, as JSON: each message of the room's, what is told over the control
 * channel, what a page kept of itself, a deployment's configuration. Values are right ones with something changed, or anything.
 *
 * Right is: read field by field or refused, never thrown over; what was read is read the same again when it is said again.
 */
import { takeIdentities } from '../../lab/identity.ts'
import { readTold, ToldBook } from '../../lab/told.ts'
import { parseRoomConfig } from '../../room/config.ts'
import { encodeControl, parseControl } from '../../room/control.ts'
import { encodeMessage, type Message, parseMessage } from '../../room/message.ts'
import { ReplayGuard } from '../../room/replay.ts'
import type { Dice } from '../../simulate/dice.ts'
import { times, words } from './bytes.ts'
import { type Input, isSentence, step } from './input.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const ID = ['0'.repeat(32), 'f'.repeat(32), '0123456789abcdef0123456789abcdef']
const HOST = { name: 'dora', mac: '02:00:00:00:00:01', address: '169.254.1.2' }
const STATE = {
  localAddress: '169.254.1.2',
  localPort: 23,
  remoteAddress: '169.254.9.9',
  remotePort: 50_000,
  state: 'ESTABLISHED',
  frame: '0a0b0c0d',
}
const HELLO = { say: 'hello', name: 'dora', from: ID[0] ?? '', sequence: 1 }
const CANDIDATE = {
  candidate: 'candidate:1 1 udp 1 10.0.0.1 9 typ host',
  sdpMid: '0',
  sdpMLineIndex: 0,
  usernameFragment: 'x',
}
const SIGNAL = { say: 'signal', attempt: 1, from: ID[0] ?? '', to: ID[1] ?? '', sequence: 2 }

/** One right message of each kind. */
const RIGHT: readonly Json[] = [
  HELLO,
  { ...HELLO, say: 'welcome', to: ID[1] ?? '' },
  { ...HELLO, say: 'ready', to: ID[1] ?? '' },
  { ...SIGNAL, signal: { type: 'offer', sdp: 'v=0' } },
  { ...SIGNAL, signal: { type: 'candidate', candidate: CANDIDATE } },
  { say: 'full', from: ID[0] ?? '', to: ID[1] ?? '', sequence: 9 },
  { say: 'gone', how: 'cut', from: ID[0] ?? '', sequence: 0 },
  { ping: 1 },
  { pong: 2 ** 40 },
  { told: { kind: 'hosts', hosts: [HOST, { ...HOST, mac: '02:00:00:00:00:02' }] } },
  { told: { kind: 'states', states: [STATE, { ...STATE, state: 'CLOSED' }] } },
  { kind: 'hosts', hosts: [HOST] },
  { kind: 'states', states: [STATE] },
  {
    own: { name: 'dora', mac: '02:00:00:00:00:01' },
    neighbour: { name: 'alice', mac: '02:00:00:00:00:02' },
    withNeighbour: true,
  },
  {
    own: { name: 'dora', mac: '02:00:00:00:00:01' },
    neighbour: { name: 'dora', mac: '02:00:00:00:00:02' },
    withNeighbour: true,
  },
  {
    brokerUrl: 'wss://b.example/mqtt',
    iceServers: [{ urls: ['stun:s.example'], username: 'u', credential: 'c' }],
  },
]

const KNOWN = [
  'hello',
  'ESTABLISHED',
  'hosts',
  'wss://b.example',
  'stun:x',
  'dora',
  ID[0] ?? '',
  '02:00:00:00:00:01',
  '169.254.1.2',
  '٣.0.0.1',
]

function anything(dice: Dice, depth: number): Json {
  switch (dice.below(depth > 4 ? 6 : 9)) {
    case 0:
      return null
    case 1:
      return dice.chance(0.5)
    case 2:
      return dice.one([0, -1, 1.5, 65_535, 65_536, 2 ** 53 - 1, 2 ** 53, 1e308, -0])
    case 3:
      return dice.one(KNOWN)
    case 4:
    case 5:
      return words(dice, KNOWN, 3).join('')
    case 6:
      return times(dice.one([0, 1, 2, 33, 65]), () => anything(dice, depth + 2))
    case 7:
      return dice.one(RIGHT)
    default:
      return Object.fromEntries(times(dice.below(4), () => [key(dice), anything(dice, depth + 1)]))
  }
}

const KEYS = [
  'say',
  'name',
  'from',
  'to',
  'sequence',
  'signal',
  'type',
  'kind',
  'hosts',
  'states',
  'mac',
  'how',
  'ping',
  'told',
  'urls',
  '__proto__',
  'constructor',
  'toJSON',
  'length',
  '',
]
const key = (dice: Dice): string => dice.one(KEYS)

/** The value with something in it changed, wherever in it. */
function twisted(dice: Dice, value: Json, depth = 0): Json {
  if (typeof value !== 'object' || value === null || dice.below(4) === 0) return anything(dice, depth)
  if (Array.isArray(value)) {
    const list = [...(value as readonly Json[])]
    const at = dice.below(list.length + 1)
    if (dice.chance(0.3)) return times(dice.one([0, 2, 32, 33, 64, 65]), () => list[0] ?? null)
    list[at] = list[at] === undefined ? anything(dice, depth) : twisted(dice, list[at] as Json, depth + 1)
    return list
  }
  const fields = Object.entries(value)
  const at = dice.below(fields.length + 1)
  const [name, old] = fields[at] ?? [key(dice), null]
  if (dice.below(4) === 0) return Object.fromEntries(fields.filter((_, i) => i !== at))
  return { ...value, [name]: twisted(dice, old, depth + 1) }
}

/** Several texts, each the JSON of a message, now and then damaged as text. */
function texts(dice: Dice): string[] {
  return times(dice.between(1, 6), () => {
    const right = dice.one(RIGHT)
    const text = JSON.stringify(dice.chance(0.15) ? right : twisted(dice, right))
    if (dice.below(12) > 0) return text
    const at = dice.below(text.length + 1)
    return dice.one([
      text.slice(0, at),
      text.slice(0, at) + words(dice, KNOWN, 2).join('') + text.slice(at),
      '['.repeat(20_000),
      '',
    ])
  })
}

export const said: Input<string> = {
  name: 'said',
  round: 600,
  draw: texts,
  show: pieces => JSON.stringify(pieces),

  fault(pieces) {
    const replays = new ReplayGuard()
    const book = new ToldBook()
    for (const [i, text] of pieces.entries()) {
      const wrong = step(() => wrongWith(text, replays, book, ID[i % 3] ?? ''))
      if (wrong !== undefined) return wrong
    }
    return undefined
  },
}

function wrongWith(text: string, replays: ReplayGuard, book: ToldBook, peer: string): string | undefined {
  const message = parseMessage(text)
  if (message !== undefined) {
    if (JSON.stringify(parseMessage(encodeMessage(message))) !== JSON.stringify(message))
      return 'the message is another when it is said again'
    if (typeof replays.isNew(message) !== 'boolean') return 'the message is neither new nor old'
    if (message.say !== 'gone' && replays.isNew(message)) return 'the message is new twice'
    if (isOdd(message)) return 'the message has fields that none has'
  }
  const control = parseControl(text)
  if (
    control !== undefined &&
    JSON.stringify(parseControl(encodeControl(control))) !== JSON.stringify(control)
  )
    return 'the control message is another when it is said again'
  const value = parsed(text)
  return wrongWithTold(value, book, peer) ?? wrongWithKept(text) ?? wrongWithConfig(value)
}

const FIELDS = new Set(['say', 'name', 'from', 'to', 'sequence', 'signal', 'attempt', 'how'])
const isOdd = (message: Message): boolean =>
  Object.keys(message).some(field => !FIELDS.has(field)) ||
  !/^[0-9a-f]{32}$/.test(`${message.from}`) ||
  !/^[\w-]{1,63}$/.test('name' in message ? `${message.name}` : 'none')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function wrongWithTold(value: unknown, book: ToldBook, peer: string): string | undefined {
  const inner = typeof value === 'object' && value !== null && 'told' in value ? value.told : value
  const told = readTold(inner)
  const before = book.refused
  const states = book.take(peer, inner)
  if (told === undefined)
    return states.length === 0 && book.refused === before + 1 ? undefined : 'rubbish is not counted as such'
  if (JSON.stringify(readTold(JSON.parse(JSON.stringify(told)))) !== JSON.stringify(told))
    return 'what is told is another when it is told again'
  const count = told.kind === 'hosts' ? told.hosts.length : told.states.length
  return count > 64 ? `${count} are told at once` : undefined
}

/** A page begins with what another page, or another version, has left in its tab's storage. */
function wrongWithKept(text: string): string | undefined {
  const { own, neighbour } = takeIdentities({ getItem: () => text, removeItem: () => {} }, counting(), true)
  const isOne = ({ name, mac }: { name: string; mac: string }) =>
    /^[a-z]{1,20}$/.test(name) && /^.[26ae](:[0-9a-f]{2}){5}$/.test(mac)
  if (!isOne(own) || !isOne(neighbour) || own.name === neighbour.name)
    return `the page's hosts are ${JSON.stringify({ own, neighbour })}`
  return own.mac === neighbour.mac ? 'both hosts have one MAC address' : undefined
}

/** Chance, without any. */
function counting(): (below: number) => number {
  let n = 0
  return below => n++ % below
}

function wrongWithConfig(value: unknown): string | undefined {
  const read = parseRoomConfig(value)
  if (read.kind === 'config') return undefined
  return isSentence(read.why, JSON.stringify(value)) ? undefined : `it says '${read.why}'`
}
