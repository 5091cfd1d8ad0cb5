/**
 * The stack's face, called by somebody who has read none of it: handles that are stale, another's or none, sizes and addresses
 * at their edges, every call in every order. A piece is a call.
 *
 * Right is: a count, a handle or an errno, or the RangeError that stack.ts tells of; a sound arena after it; the conversation
 * beside it goes on, unless a call took the host's own address away; all memory back in the end.
 */
import type { Dice } from '../../simulate/dice.ts'
import * as errnos from '../../stack/errno.ts'
import { blankSocket } from '../../stack/inspect/inspect.ts'
import {
  type FilterInstruction,
  NameType,
  Option,
  Protocol,
  type Socket,
  type Stack,
} from '../../stack/stack.ts'
import { blankPort } from '../../stack/testing/port-facts.ts'
import { edge, times, words } from './bytes.ts'
import { type Input, isSentence, step } from './input.ts'
import { OWN, Pair, PEER, type Profile } from './pair.ts'

/** A number; `{ handle }`: the so many-th that was got; `{ bytes }`: so many; an IPv6 address. */
type Argument =
  | number
  | string
  | { readonly handle: number }
  | { readonly bytes: number }
  | { readonly ip6: readonly number[] }
  | { readonly program: readonly (readonly number[])[] }

interface Call {
  readonly call: string
  readonly with: readonly Argument[]
}

type Draw = (dice: Dice) => Argument
/** What was drawn fits the call, so far as its types go. */
type Values = readonly [never, never, never, never, never]
type Play = (stack: Stack, values: Values, now: number) => unknown

const NUMBERS = [
  0,
  -1,
  1,
  2,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 32 - 1,
  2 ** 53,
  0.5,
  1.5,
  NaN,
  Infinity,
  -Infinity,
]
const number: Draw = dice => (dice.chance(0.7) ? dice.one(NUMBERS) : edge(dice))
const handle: Draw = dice => (dice.chance(0.85) ? { handle: dice.below(24) } : number(dice))
const port: Draw = dice =>
  dice.chance(0.8) ? dice.one([7, 9, 53, 68, 80, 5353, 50_000]) : dice.one([...NUMBERS, 65_535, 65_536])
const bytes: Draw = dice => ({
  bytes: dice.one([0, 1, 4, 100, 1_472, 1_473, 3_000, 20_000, 65_507, 65_508, 100_000]),
})
const name: Draw = dice =>
  words(dice, ['peer', '.', 'local', 'example', 'x'.repeat(63), 'in-addr', '10', 'xn--', '_tcp'], 8).join('')
const setting: Draw = dice =>
  dice.one([
    'net.ipv4.tcp_retries2',
    'net.ipv4.ip_default_ttl',
    'net.ipv4.tcp_ecn',
    'constructor',
    '',
    name(dice),
  ])
const option: Draw = dice => (dice.chance(0.9) ? dice.one(Object.values(Option)) : number(dice))
const little: Draw = dice => (dice.chance(0.7) ? dice.between(0, 40) : number(dice))
const link: Draw = dice => (dice.chance(0.6) ? dice.below(2) : number(dice))
/** From now on: never forward, where the wire would not be. */
const time: Draw = dice => dice.one([0, 0, -1, -1e6, -1e12, -0.5, Number.NaN, Infinity, -Infinity])
const protocol: Draw = dice => (dice.chance(0.95) ? dice.one(Object.values(Protocol)) : number(dice))

const IP4 = [
  0,
  OWN,
  PEER,
  0x0a000009,
  0x0a0000ff,
  0xffffffff,
  0xe0000007,
  0xe00000fb,
  0x7f000001,
  0x0a010001,
  0x08080808,
]
/** Numbers that would be words of IPv6 addresses in the arena (ip6/word.ts), also by a detour of 2^32. */
const WORDS_OF_THE_ARENA = [0x4000, 0x5555, 0xfff0, 0x4000 - 2 ** 32, 0x5555 + 2 ** 32, 0x4000 + 0.5]
const ipv4: Draw = dice =>
  dice.chance(0.8) ? dice.one(IP4) : dice.one([...NUMBERS, ...WORDS_OF_THE_ARENA, dice.word()])
const IP6 = [
  times(16, () => 0),
  [...times(15, () => 0), 1],
  [0xfe, 0x80, ...times(13, () => 0), 9],
  [0xff, 2, ...times(13, () => 0), 1],
  [0xff, 2, ...times(13, () => 0), 0xfb],
  [...times(10, () => 0), 255, 255, 10, 0, 0, 2],
  [0x20, 1, 0xd, 0xb8, ...times(11, () => 0), 5],
]
const ipv6: Draw = dice => ({
  ip6: dice.chance(0.9) ? dice.one(IP6) : times(dice.one([0, 4, 15, 17]), () => 0xfe),
})
const address: Draw = dice => (dice.chance(0.75) ? ipv4(dice) : ipv6(dice))
const program: Draw = dice => ({
  program: dice.one<readonly (readonly number[])[]>([
    [],
    [[0x16, 0, 0, 0]],
    [[0x06, 0, 0, 65_535]],
    [
      [0x28, 0, 0, 12],
      [0x16, 0, 0, 0],
    ],
    [[0x28, 0, 0, 12]],
    [[number(dice) as number, 0, 0, number(dice) as number]],
    times(dice.one([4_096, 4_097, 100_000]), () => [0x06, 0, 0, 0]),
  ]),
})

const end = () => ({ address: 0, address6: new Uint8Array(16), port: 0 })

/** Each call, the arguments that are drawn for it, and how it is made. */
const CALLS: Readonly<Record<string, readonly [draw: readonly Draw[], play: Play]>> = {
  socket: [[protocol, number], (s, [p, n]) => s.socket(p, n)],
  bind: [[handle, address, port], (s, [h, a, p]) => s.bind(h, a, p)],
  listen: [[handle, little], (s, [h, n]) => s.listen(h, n)],
  accept: [[handle], (s, [h]) => s.accept(h)],
  connect: [[handle, address, port], (s, [h, a, p]) => s.connect(h, a, p)],
  send: [[handle, bytes], (s, [h, b]) => s.send(h, b)],
  recv: [[handle, bytes], (s, [h, b]) => s.recv(h, b)],
  urgent: [[handle], (s, [h]) => s.urgent(h)],
  sendTo: [[handle, bytes, address, port], (s, [h, b, a, p]) => s.sendTo(h, b, a, p)],
  recvFrom: [[handle, bytes], (s, [h, b]) => s.recvFrom(h, b, end())],
  resolve: [[name, d => d.one(Object.values(NameType))], (s, [n, t]) => s.resolve(n, t)],
  resolved: [[handle, bytes], (s, [h, b]) => s.resolved(h, b)],
  setOption: [[handle, option, little], (s, [h, o, v]) => s.setOption(h, o, v)],
  attachFilter: [[handle, program], (s, [h, p]) => s.attachFilter(h, p)],
  peek: [
    [handle],
    (s, [h]) => {
      const frame = s.peek(h, { type: 0, link: 0, etherType: 0, length: 0, at: 0 })
      return typeof frame === 'number' ? frame : frame.length
    },
  ],
  lost: [[handle], (s, [h]) => s.lost(h)],
  joinGroup: [[handle, ipv4, link], (s, [h, g, l]) => s.joinGroup(h, g, l)],
  leaveGroup: [[handle, ipv4, link], (s, [h, g, l]) => s.leaveGroup(h, g, l)],
  shutdown: [[handle], (s, [h]) => s.shutdown(h)],
  close: [[handle], (s, [h]) => s.close(h)],
  abort: [[handle], (s, [h]) => s.abort(h)],
  error: [[handle], (s, [h]) => s.error(h)],
  name: [[handle, d => d.one(['local', 'remote'])], (s, [h, e]) => Number(s.name(h, e, end()))],
  nextSocket: [[handle], (s, [h]) => s.nextSocket(h, blankSocket())],
  ethtool: [[link], (s, [l]) => s.ethtool(l, blankPort())],
  sysctl: [[setting], (s, [n]) => s.sysctl(n) ?? 0],
  setSysctl: [[setting, number], (s, [n, v]) => s.setSysctl(n, v)],
  addAddress: [[link, ipv4, little], (s, [l, a, n]) => s.addAddress(l, a, n)],
  removeAddress: [[ipv4], (s, [a]) => s.removeAddress(a)],
  addRoute: [
    [ipv4, little, ipv4, link, number],
    (s, [destination, prefixLength, gateway, l, metric]) =>
      s.addRoute({ destination, prefixLength, gateway, link: l, metric }),
  ],
  removeRoute: [[ipv4, little, number], (s, [d, n, m]) => s.removeRoute(d, n, m)],
  addAddress6: [[ipv6, d => d.one([64, 128, 1, 0, 129, 1.5, NaN])], (s, [a, n]) => s.addAddress6(a, n)],
  removeAddress6: [[ipv6], (s, [a]) => s.removeAddress6(a)],
  joinGroup6: [[ipv6], (s, [g]) => s.joinGroup6(g)],
  leaveGroup6: [[ipv6], (s, [g]) => s.leaveGroup6(g)],
  sortDestinations: [[address, address, address], (s, list) => s.sortDestinations([...list]).length],
  setAddress: [[ipv4, little, ipv4], (s, [a, n, g]) => void s.setAddress(a, n, g)],
  hostGone: [[address], (s, [a]) => void s.hostGone(a)],
  linkUp: [[], (s, _, now) => void s.linkUp(now)],
  leave: [[], s => void s.leave()],
  poll: [[time], (s, [t], now) => void s.poll(now + t)],
  input: [[bytes, time, link], (s, [b, t, l], now) => s.input(b, now + t, l)],
  look: [
    [],
    s => void [s.memory, s.counters, s.addresses, s.routes, s.ipv6, s.address, s.largestFrame, s.pollAt()],
  ],
}

/** Those which may rightly end conversations, or break off their way. */
const ENDS_CONVERSATIONS = new Set([
  'setAddress',
  'hostGone',
  'leave',
  'removeAddress',
  'addAddress',
  'addRoute',
  'setSysctl',
  'linkUp',
])
/** A host may remember of others what it was told, and keeps what it was told to have. */
const REMEMBERED = ['neighbours', 'destinations', 'free', 'routes', 'IPv6', 'names', 'groups', 'settings']
const ERRNOS = new Set(Object.values(errnos).filter(value => typeof value === 'number'))
/** Calls whose RangeErrors stack.ts tells of. */
const THROW = new Set(['addRoute', 'removeRoute', 'addAddress', 'setSysctl', 'setAddress'])
const NAMES = Object.keys(CALLS)
const OFTEN = [
  'socket',
  'socket',
  'bind',
  'connect',
  'listen',
  'send',
  'sendTo',
  'recvFrom',
  'close',
  'setOption',
]

type Piece = Call | { readonly profile: Profile } | { readonly wait: number }

export const calls: Input<Piece> = {
  name: 'calls',
  round: 100,

  draw(dice) {
    const made = times(dice.between(1, 60), (): Piece => {
      if (dice.below(8) === 0) return { wait: dice.one([0, 1, 40, 1_000, 30_000]) }
      const call = dice.one(dice.chance(0.5) ? OFTEN : NAMES)
      return { call, with: (CALLS[call]?.[0] ?? []).map(draw => draw(dice)) }
    })
    return [{ profile: dice.one(['full', 'full', 'client', 'minimal'] as const) }, ...made]
  },

  fault(pieces) {
    const pair = new Pair(pieces.flatMap(piece => ('profile' in piece ? piece.profile : []))[0] ?? 'full')
    const handles: Socket[] = []
    const gone = new Set<Socket>()
    for (const piece of pieces) {
      if ('wait' in piece) pair.pass(piece.wait)
      if (!('call' in piece)) continue
      const wrong = played(pair, piece, handles, gone)
      if (wrong !== undefined) return wrong
    }
    pair.expectSound()
    return wrongAfter(pair, pieces, handles)
  },

  show: pieces => pieces.map(shown).join(' '),
}

/** Makes the call; what is wrong with its result. */
function played(pair: Pair, made: Call, handles: Socket[], gone: Set<Socket>): string | undefined {
  const { call, with: given } = made
  const play = CALLS[call]?.[1]
  const values = given.map(argument => valueFrom(argument, handles))
  const isStale = gone.has(values[0] as Socket) && call !== 'nextSocket'
  let result: unknown
  try {
    result = step(() => play?.(pair.stack, values as unknown as Values, pair.now)) ?? 0
  } catch (error) {
    if (
      error instanceof RangeError &&
      THROW.has(call) &&
      isSentence(error.message.replace('NaN', ''), shown(made))
    )
      return undefined
    throw error
  }
  if (typeof result !== 'number' || !Number.isInteger(result)) return `${call} gives ${String(result)}`
  if (result < 0 && !ERRNOS.has(result as errnos.Errno)) return `${call} gives ${result}, which is no errno`
  if (isStale && !(result < 0 || (call === 'name' && result === 0)))
    return `${call} gives ${result} for a handle that was given back`
  if (result === 0 && (call === 'close' || call === 'abort')) gone.add(values[0] as Socket)
  if (result > 0 && ['socket', 'accept', 'resolve'].includes(call)) handles.push(result as Socket)
  return undefined
}

function wrongAfter(pair: Pair, pieces: readonly Piece[], handles: readonly Socket[]): string | undefined {
  for (const each of handles) {
    for (let made = pair.stack.accept(each); made > 0; made = pair.stack.accept(each))
      pair.stack.abort(made as Socket)
    pair.stack.abort(each)
    pair.stack.close(each)
  }
  pair.pass(1_000)
  pair.expectSound()
  const isTold = pieces.some(piece => 'call' in piece && ENDS_CONVERSATIONS.has(piece.call))
  const stalled = isTold ? undefined : pair.stalled()
  if (stalled !== undefined) return stalled
  return pieces.length % 4 === 0 && !isTold ? pair.leak(REMEMBERED) : undefined
}

function valueFrom(argument: Argument, handles: readonly Socket[]): unknown {
  if (typeof argument !== 'object') return argument
  if ('handle' in argument) return handles.length === 0 ? 0 : handles[argument.handle % handles.length]
  if ('bytes' in argument) return new Uint8Array(argument.bytes).fill(0x61)
  if ('ip6' in argument) return Uint8Array.from(argument.ip6)
  return argument.program as readonly FilterInstruction[]
}

function shown(piece: Piece): string {
  if ('profile' in piece) return `${piece.profile}:`
  if ('wait' in piece) return `wait(${piece.wait})`
  const values = piece.with.map(argument => {
    if (typeof argument === 'string') return JSON.stringify(argument)
    if (typeof argument === 'number') return String(argument)
    if ('handle' in argument) return `handle ${argument.handle}`
    if ('bytes' in argument) return `${argument.bytes} bytes`
    if ('ip6' in argument) return `[${argument.ip6.map(byte => byte.toString(16)).join(' ')}]`
    return `${argument.program.length} instructions ${JSON.stringify(argument.program.slice(0, 3))}`
  })
  return `${piece.call}(${values.join(', ')})`
}
