import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PING_EVERY } from './liveness.ts'
import {
  CONNECT_WITHIN,
  CONTROL_A_SECOND,
  EARLY_AT_MOST,
  FULL_AFTER,
  LOST_SHOWN,
  MAX_MEMBERS,
  Membership,
  SIGNALS_AT_MOST,
  TRY_AGAIN_AFTER,
  WELCOMES_A_SECOND,
} from './membership.ts'
import type { Say } from './message.ts'
import type { NegotiationEvents } from './negotiation.ts'
import type { PeerId } from './room.ts'
import { FakeWire } from './wire.fake.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const session = (n: number): PeerId => n.toString(16).padStart(32, '0')
const soon = () => vi.advanceTimersByTimeAsync(5)

/** Pages whose words arrive at once; `deaf` ones hear nothing. */
class Hall {
  readonly wire = new FakeWire()
  readonly pages: Page[] = []
  readonly said: { from: PeerId; to: PeerId | undefined; say: Say['say'] }[] = []

  page(n: number, name: string): Page {
    const page = new Page(this, session(n), name)
    this.pages.push(page)
    return page
  }

  carry(from: PeerId, say: Say, to: PeerId | undefined): void {
    this.said.push({ from, to, say: say.say })
    for (const page of this.pages) {
      if (page.id === from || page.deaf || (to !== undefined && to !== page.id)) continue
      queueMicrotask(() => page.membership.hear({ ...say, from, sequence: 1, ...(to ? { to } : {}) }))
    }
  }
}

class Page {
  deaf = false
  readonly channels: PeerId[] = []
  readonly lost: PeerId[] = []
  readonly told: unknown[] = []
  readonly refused: string[] = []
  full = false
  readonly membership: Membership
  readonly id: PeerId

  constructor(hall: Hall, id: PeerId, name: string) {
    this.id = id
    this.membership = new Membership({
      me: id,
      name,
      iceServers: [],
      negotiate: hall.wire.negotiate,
      send: (say, to) => hall.carry(id, say, to),
      refuse: reason => this.refused.push(reason),
      events: {
        onChannel: peer => this.channels.push(peer),
        onLost: peer => this.lost.push(peer),
        onTold: (_, message) => this.told.push(message),
        onChange: () => {},
        onFull: () => {
          this.full = true
        },
      },
    })
  }

  get states(): Record<string, string> {
    return Object.fromEntries(
      this.membership.members.map(({ id, name, state }) => [`${name} ${Number(`0x${id}`)}`, state.kind]),
    )
  }

  why(n: number): string | undefined {
    const state = this.membership.members.find(({ id }) => id === session(n))?.state
    return state?.kind === 'lost' ? state.why : undefined
  }
}

async function pair() {
  const hall = new Hall()
  const alice = hall.page(1, 'alice')
  alice.membership.greet()
  await soon()
  const bob = hall.page(2, 'bob')
  bob.membership.greet()
  await soon()
  return { hall, alice, bob }
}

test('a page that says hello is connected with the one that was there, over one connection', async () => {
  const { hall, alice, bob } = await pair()
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
  expect(bob.states).toEqual({ 'alice 1': 'connected' })
  expect(hall.wire.begun).toBe(2) // its two ends
  expect([alice.channels, bob.channels]).toEqual([[session(2)], [session(1)]])
  expect(hall.said.map(({ say }) => say).slice(0, 4)).toEqual(['hello', 'hello', 'welcome', 'ready'])
})

test('two pages that say hello at the same moment get one connection', async () => {
  const hall = new Hall()
  const [alice, bob] = [hall.page(1, 'alice'), hall.page(2, 'bob')]
  alice.membership.greet()
  bob.membership.greet()
  await soon()
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
  expect(bob.channels).toEqual([session(1)])
  expect(hall.wire.begun).toBe(2)
})

test('three pages are connected each with each', async () => {
  const { hall, alice, bob } = await pair()
  const carol = hall.page(3, 'carol')
  carol.membership.greet()
  await soon()
  expect(alice.states).toEqual({ 'bob 2': 'connected', 'carol 3': 'connected' })
  expect(bob.states).toEqual({ 'alice 1': 'connected', 'carol 3': 'connected' })
  expect(carol.states).toEqual({ 'alice 1': 'connected', 'bob 2': 'connected' })
})

test('a hello makes no connection and no member: it may be a recording', async () => {
  const hall = new Hall()
  const alice = hall.page(1, 'alice')
  alice.membership.hear({ say: 'hello', name: 'ghost', from: session(9), sequence: 1 })
  await soon()
  expect(alice.states).toEqual({})
  expect(hall.wire.begun).toBe(0)
  expect(hall.said).toEqual([{ from: session(1), to: session(9), say: 'welcome' }])
})

test('a flood of recorded hellos costs a bounded number of answers', async () => {
  const hall = new Hall()
  const alice = hall.page(1, 'alice')
  for (let n = 10; n < 10 + 3 * WELCOMES_A_SECOND; n++)
    alice.membership.hear({ say: 'hello', name: 'ghost', from: session(n), sequence: 1 })
  expect(hall.said).toHaveLength(WELCOMES_A_SECOND)
  expect(alice.refused).toHaveLength(2 * WELCOMES_A_SECOND)
})

test('a signal from a page that was never welcomed is refused', () => {
  const hall = new Hall()
  const alice = hall.page(1, 'alice')
  alice.membership.hear({
    say: 'signal',
    attempt: 1,
    signal: { type: 'offer', sdp: '0' },
    from: session(0),
    to: session(1),
    sequence: 1,
  })
  expect(alice.refused).toEqual(['unexpected'])
  expect(hall.wire.begun).toBe(0)
})

test('an offer from the page that should not offer is refused', async () => {
  const { hall, alice } = await pair()
  const signal = { type: 'offer', sdp: '0' } as const
  alice.membership.hear({ say: 'signal', attempt: 9, signal, from: session(2), to: session(1), sequence: 9 })
  expect(alice.refused).toEqual(['unexpected'])
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
  expect(hall.wire.begun).toBe(2)
})

test('what is told arrives as it was told, and rubbish on the control channel costs a counter', async () => {
  const { alice, bob } = await pair()
  expect(alice.membership.tell(session(2), { state: 'ESTABLISHED' })).toBe(true)
  expect(alice.membership.tell(session(7), 'nobody')).toBe(false)
  expect(alice.membership.tell(session(2), 'x'.repeat(70_000))).toBe(false)
  await soon()
  expect(bob.told).toEqual([{ state: 'ESTABLISHED' }])
})

test('who leaves is lost at once, is not sought, and is forgotten after half a minute', async () => {
  const { hall, alice, bob } = await pair()
  hall.carry(session(2), { say: 'gone', how: 'left' }, undefined)
  bob.membership.leave()
  bob.deaf = true
  await soon()
  expect(alice.why(2)).toBe('bob left the room.')
  expect(alice.lost).toEqual([session(2)])
  const said = hall.said.length
  await vi.advanceTimersByTimeAsync(LOST_SHOWN - 10)
  expect(hall.said.slice(said)).toEqual([])
  expect(alice.states).toEqual({ 'bob 2': 'lost' })
  await vi.advanceTimersByTimeAsync(10)
  expect(alice.states).toEqual({})
})

test('a goodbye that comes after the end of the connection still explains it, and nobody is sought', async () => {
  const { hall, alice, bob } = await pair()
  bob.membership.leave()
  bob.deaf = true
  await soon()
  expect(alice.why(2)).toMatch(/^The connection to bob is lost/)
  hall.carry(session(2), { say: 'gone', how: 'left' }, undefined)
  await soon()
  expect(alice.why(2)).toBe('bob left the room.')
  const said = hall.said.length
  await vi.advanceTimersByTimeAsync(LOST_SHOWN)
  expect(hall.said.slice(said)).toEqual([])
  expect(alice.states).toEqual({})
})

test('a last will of a page that still answers changes nothing', async () => {
  const { hall, alice } = await pair()
  hall.carry(session(2), { say: 'gone', how: 'cut' }, undefined)
  await vi.advanceTimersByTimeAsync(2 * PING_EVERY)
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
})

test('a last will of a page that answers no more loses it within one ping', async () => {
  const { hall, alice } = await pair()
  hall.wire.dead = true
  hall.carry(session(2), { say: 'gone', how: 'cut' }, undefined)
  await vi.advanceTimersByTimeAsync(PING_EVERY + 10)
  expect(alice.why(2)).toBe('bob is gone: its page was closed or lost its network.')
  expect(alice.lost).toEqual([session(2)])
})

test('a wire that dies in silence, without a word from the broker, is noticed by pings', async () => {
  const { hall, alice } = await pair()
  hall.wire.dead = true
  await vi.advanceTimersByTimeAsync(4 * PING_EVERY)
  expect(alice.why(2)).toBe('bob no longer answers.')
})

test('a connection that broke comes back by itself', async () => {
  const { hall, alice, bob } = await pair()
  hall.wire.dead = true
  await vi.advanceTimersByTimeAsync(4 * PING_EVERY)
  expect(alice.states).toEqual({ 'bob 2': 'lost' })
  hall.wire.dead = false
  await vi.advanceTimersByTimeAsync(2 * (TRY_AGAIN_AFTER[0] ?? 0))
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
  expect(bob.states).toEqual({ 'alice 1': 'connected' })
  expect(alice.channels).toEqual([session(2), session(2)])
})

test('whatever is said in its name, a connection that stands is asked and stays', async () => {
  const { alice, bob, hall } = await pair()
  const forged = { from: session(1), to: session(2) }
  const offer = { type: 'offer', sdp: '0' } as const
  bob.membership.hear({ say: 'gone', how: 'left', from: session(1), sequence: 0 })
  bob.membership.hear({ say: 'welcome', name: 'alice', ...forged, sequence: 8 })
  bob.membership.hear({ say: 'signal', attempt: 99, signal: offer, ...forged, sequence: 9 })
  await vi.advanceTimersByTimeAsync(3 * PING_EVERY)
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
  expect(bob.states).toEqual({ 'alice 1': 'connected' })
  expect(bob.channels).toHaveLength(1)
  expect(bob.refused).toEqual(['unexpected'])
  expect(hall.wire.begun).toBe(2)
})

test('a page that welcomes one it was connected with has lost it: both come back soon', async () => {
  const { alice, bob, hall } = await pair()
  hall.wire.dead = true
  alice.deaf = true
  await vi.advanceTimersByTimeAsync(4 * PING_EVERY)
  alice.deaf = false
  hall.wire.dead = false
  await vi.advanceTimersByTimeAsync(2 * (TRY_AGAIN_AFTER[1] ?? 0))
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
  expect(bob.states).toEqual({ 'alice 1': 'connected' })
})

test('what is told before its channel arrives waits for the channel, a little of it', async () => {
  const { hall, bob } = await pair()
  const wires: NegotiationEvents[] = []
  const carol = new Membership({
    me: session(3),
    name: 'carol',
    iceServers: [],
    negotiate: (initiator, servers, events) => {
      wires.push(events)
      return hall.wire.negotiate(initiator, servers, events)
    },
    send: () => {},
    refuse: reason => bob.refused.push(reason),
    events: {
      onChannel: () => bob.told.push('channel'),
      onLost() {},
      onTold: (_, message) => bob.told.push(message),
      onChange() {},
      onFull() {},
    },
  })
  carol.hear({ say: 'welcome', name: 'dave', from: session(4), to: session(3), sequence: 1 })
  for (let n = 0; n < EARLY_AT_MOST + 2; n++) wires[0]?.onControl(`{"told":${n}}`)
  expect(bob.told).toEqual([])
  wires[0]?.onConnect({} as RTCDataChannel)
  expect(bob.told).toEqual(['channel', ...Array(EARLY_AT_MOST).keys()])
  expect(bob.refused).toEqual(['too-many', 'too-many'])
  carol.leave()
})

test('a flood on the control channel costs a counter, and is over in a second', async () => {
  const { alice, bob } = await pair()
  for (let n = 0; n < 2 * CONTROL_A_SECOND; n++) alice.membership.tell(session(2), n)
  await soon()
  expect(bob.told.length).toBeLessThanOrEqual(CONTROL_A_SECOND)
  expect(bob.refused.length).toBeGreaterThanOrEqual(CONTROL_A_SECOND)
  await vi.advanceTimersByTimeAsync(1_000)
  alice.membership.tell(session(2), 'after')
  await soon()
  expect(bob.told.at(-1)).toBe('after')
})

test('offer upon offer makes no connection upon connection, nor do candidates without end arrive', async () => {
  const hall = new Hall()
  hall.wire.answers = false
  const bob = hall.page(2, 'bob')
  const signals = { say: 'signal', from: session(1), to: session(2), sequence: 9 } as const
  bob.membership.hear({ say: 'ready', name: 'alice', from: session(1), to: session(2), sequence: 1 })
  for (let attempt = 1; attempt <= 10; attempt++)
    bob.membership.hear({ ...signals, attempt, signal: { type: 'offer', sdp: '0' } })
  expect(hall.wire.begun).toBe(1)
  expect(bob.refused).toEqual(Array(9).fill('too-many'))
  for (let n = 0; n < SIGNALS_AT_MOST; n++)
    bob.membership.hear({ ...signals, attempt: 1, signal: { type: 'candidate', candidate: {} } })
  expect(bob.refused).toHaveLength(10)
  bob.membership.leave()
})

test('pages that come and vanish by the hundred leave no more behind than a room holds', async () => {
  const hall = new Hall()
  const alice = hall.page(1, 'alice')
  for (let n = 100; n < 400; n++) {
    alice.membership.hear({ say: 'ready', name: 'ghost', from: session(n), to: session(1), sequence: 1 })
    alice.membership.hear({ say: 'gone', how: 'left', from: session(n), sequence: 0 })
  }
  expect(alice.membership.members).toHaveLength(MAX_MEMBERS)
  alice.membership.leave()
})

test('an offer that nobody answers is given up in a sentence that says what may help', async () => {
  const hall = new Hall()
  const [alice, bob] = [hall.page(1, 'alice'), hall.page(2, 'bob')]
  hall.wire.answers = false
  bob.membership.greet()
  await vi.advanceTimersByTimeAsync(CONNECT_WITHIN - 10)
  expect(alice.states).toEqual({ 'bob 2': 'connecting' })
  await vi.advanceTimersByTimeAsync(20)
  expect(alice.why(2)).toMatch(/No connection to bob came about within 15 s.*ICE server/)
  expect(alice.lost).toEqual([]) // it never had a channel
})

test('a browser that refuses to connect at all says why', () => {
  const refusing = new Membership({
    me: session(0),
    name: 'carol',
    iceServers: [],
    negotiate: () => {
      throw new Error('turn:x has no credential.')
    },
    send: () => {},
    refuse: () => {},
    events: { onChannel() {}, onLost() {}, onTold() {}, onChange() {}, onFull() {} },
  })
  refusing.hear({ say: 'welcome', name: 'bob', from: session(2), to: session(0), sequence: 1 })
  expect(refusing.members[0]?.state).toEqual({
    kind: 'lost',
    why: 'No connection to bob can be made: turn:x has no credential.',
  })
  refusing.leave()
})

test('a page that reloads comes back under its name, and what it was before goes', async () => {
  const { hall, alice, bob } = await pair()
  hall.carry(session(2), { say: 'gone', how: 'left' }, undefined)
  bob.membership.leave()
  bob.deaf = true
  const again = hall.page(3, 'bob')
  again.membership.greet()
  await soon()
  expect(alice.states).toEqual({ 'bob 3': 'connected' })
})

test('two members may have one name', async () => {
  const { hall, alice } = await pair()
  hall.page(3, 'bob').membership.greet()
  await soon()
  expect(alice.states).toEqual({ 'bob 2': 'connected', 'bob 3': 'connected' })
})

test('a room takes as many as it may, and tells the next one', async () => {
  const hall = new Hall()
  for (let n = 1; n <= MAX_MEMBERS; n++) hall.page(n, `p${n}`).membership.greet()
  await soon()
  for (const page of hall.pages) expect(page.channels).toHaveLength(MAX_MEMBERS - 1)
  const late = hall.page(99, 'late')
  late.membership.greet()
  await vi.advanceTimersByTimeAsync(FULL_AFTER + 5)
  expect(late.full).toBe(true)
  expect(late.states).toEqual({})
})

test('one member’s word that the room is full shuts nobody out whom another welcomes', async () => {
  const hall = new Hall()
  const [alice, bob] = [hall.page(1, 'alice'), hall.page(2, 'bob')]
  bob.membership.hear({ say: 'full', from: session(9), to: session(2), sequence: 1 })
  bob.membership.greet()
  await vi.advanceTimersByTimeAsync(FULL_AFTER + 5)
  expect(bob.full).toBe(false)
  expect(bob.states).toEqual({ 'alice 1': 'connected' })
  expect(alice.states).toEqual({ 'bob 2': 'connected' })
})
