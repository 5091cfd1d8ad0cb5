/** Rooms on the real broker; WebRTC alone is played (wire.fake.ts). */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BrokerOnAPort, openNodeSocket } from '../serve/broker-on-a-port.fake.ts'
import { type Invitation, newInvitation } from './invitation.ts'
import { encodeMessage, type Message } from './message.ts'
import { joinRoom, type Room } from './room.ts'
import { createSealing } from './sealing.ts'
import { type Letter, Signalling } from './signalling.ts'
import { sessionTopic } from './topic.ts'
import { FakeWire } from './wire.fake.ts'

let broker: BrokerOnAPort
let wire: FakeWire
const open: { leave(): void }[] = []
const sockets = new Map<string, WebSocket>()

beforeEach(async () => {
  broker = await BrokerOnAPort.start()
  wire = new FakeWire()
})
afterEach(async () => {
  for (const one of open.splice(0)) one.leave()
  await broker.stop()
})

function join(invitation: Invitation, name: string): Room {
  const room = joinRoom({
    invitation,
    name,
    config: { brokerUrl: broker.url, iceServers: [] },
    events: { onChannel() {}, onLost() {}, onTold() {}, onChange() {} },
    negotiate: wire.negotiate,
    openSocket: (url, protocol) => {
      const socket = openNodeSocket(url, protocol)
      sockets.set(name, socket)
      return socket
    },
  })
  open.push(room)
  return room
}

/** Whoever holds the broker: hears what is said on topics and may say anything. */
async function eavesdropper(...topics: string[]) {
  const letters: Letter[] = []
  let online = () => {}
  const ready = new Promise<void>(resolve => {
    online = resolve
  })
  const signalling = new Signalling({
    url: broker.url,
    clientId: 'eavesdropper',
    topics,
    will: () => ({ topic: topics[0] ?? '', payload: new Uint8Array() }),
    events: {
      onOnline: () => online(),
      onOffline: () => {},
      onLetter: letter => letters.push({ topic: letter.topic, payload: letter.payload.slice() }),
    },
    openSocket: openNodeSocket,
  })
  open.push({ leave: () => signalling.leave({ topic: topics[0] ?? '', payload: new Uint8Array() }) })
  await ready
  return { letters, say: (topic: string, payload: Uint8Array) => signalling.publish({ topic, payload }) }
}

const joined = (room: Room) => vi.waitFor(() => expect(room.state).toEqual({ kind: 'joined' }))
const connected = (room: Room, ...names: string[]) =>
  vi.waitFor(() => {
    const there = room.members.filter(({ state }) => state.kind === 'connected').map(({ name }) => name)
    expect(there.toSorted()).toEqual(names)
  }, 4_000)

test('two pages with one invitation find each other', async () => {
  const invitation = newInvitation()
  const alice = join(invitation, 'alice')
  const bob = join(invitation, 'bob')
  await connected(alice, 'bob')
  await connected(bob, 'alice')
  expect(Object.values(alice.refused).every(count => count === 0)).toBe(true)
})

test('another key in the same room finds nobody', async () => {
  const invitation = newInvitation()
  const alice = join(invitation, 'alice')
  const mallory = join({ ...invitation, key: newInvitation().key }, 'mallory')
  await joined(alice)
  await joined(mallory)
  await connected(join(invitation, 'bob'), 'alice')
  expect(mallory.members).toEqual([])
  expect(alice.members.map(({ name }) => name)).toEqual(['bob'])
})

test('who leaves is seen to leave', async () => {
  const invitation = newInvitation()
  const alice = join(invitation, 'alice')
  const bob = join(invitation, 'bob')
  await connected(alice, 'bob')
  bob.leave()
  await vi.waitFor(() => expect(alice.members[0]?.state).toEqual({ kind: 'lost', why: 'bob left the room.' }))
  expect(bob.state).toEqual({ kind: 'left' })
  expect(bob.members).toEqual([])
})

test('a page whose connection to the broker breaks leaves its last will, and is lost when it does not answer', async () => {
  const invitation = newInvitation()
  const alice = join(invitation, 'alice')
  join(invitation, 'bob')
  await connected(alice, 'bob')
  wire.dead = true
  sockets.get('bob')?.close()
  await vi.waitFor(() => {
    expect(alice.members[0]?.state).toEqual({
      kind: 'lost',
      why: 'bob is gone: its page was closed or lost its network.',
    })
  }, 4_000)
})

test('when the broker goes, peers stay; when it is back, so is the room', async () => {
  const invitation = newInvitation()
  const alice = join(invitation, 'alice')
  await connected(join(invitation, 'bob'), 'alice')
  await broker.stop()
  await vi.waitFor(() =>
    expect(alice.state).toEqual({ kind: 'offline', why: `The broker at ${broker.url} cannot be reached.` }),
  )
  await connected(alice, 'bob')
  await broker.restart()
  await vi.waitFor(() => expect(alice.state).toEqual({ kind: 'joined' }), 4_000)
  await connected(join(invitation, 'carol'), 'alice', 'bob')
})

test('a name that is no DNS label is refused before anything is opened', () => {
  expect(() => join(newInvitation(), 'Alice & Bob')).toThrow(/letters, digits and hyphens/)
})

describe('what a broker may do:', () => {
  async function underAttack() {
    const invitation = newInvitation()
    const sealing = createSealing(invitation)
    const alice = join(invitation, 'alice')
    await joined(alice)
    const ours = sessionTopic(sealing.topic, alice.id)
    const broker = await eavesdropper(sealing.topic, ours)
    const bob = join(invitation, 'bob')
    await connected(alice, 'bob')
    const counts = (reason: keyof Room['refused']) => alice.refused[reason]
    const stands = () => connected(alice, 'bob')
    return { invitation, sealing, alice, bob, ours, broker, counts, stands }
  }

  test('it reads neither names nor addresses', async () => {
    const { broker, sealing, alice } = await underAttack()
    expect(broker.letters.length).toBeGreaterThan(2)
    const text = broker.letters
      .map(({ topic, payload }) => topic + new TextDecoder('latin1').decode(payload))
      .join()
    for (const secret of ['alice', 'bob', 'hello', 'sdp', 'say']) expect(text).not.toContain(secret)
    expect(sealing.topic).not.toContain(alice.id)
  })

  test('everything it recorded, sent again, is refused and makes no connection', async () => {
    const { broker, counts, stands, ours } = await underAttack()
    const begun = wire.begun
    const recorded = broker.letters.slice()
    for (const { topic, payload } of recorded) broker.say(topic, payload)
    const directed = recorded.filter(({ topic }) => topic === ours).length
    expect(directed).toBeGreaterThan(0)
    await vi.waitFor(() => expect(counts('replayed')).toBeGreaterThanOrEqual(directed + 1))
    expect(wire.begun).toBe(begun)
    await stands()
  })

  test('a hello of a page that is gone, sent again, costs one answer and no member', async () => {
    const { broker, invitation, sealing, stands, alice } = await underAttack()
    const hello = broker.letters.find(({ topic }) => topic === sealing.topic)
    const carol = join(invitation, 'carol') // came after, and so has not heard it
    await connected(carol, 'alice', 'bob')
    const begun = wire.begun
    if (hello) for (let i = 0; i < 20; i++) broker.say(hello.topic, hello.payload)
    await vi.waitFor(() => expect(carol.refused.replayed).toBeGreaterThanOrEqual(19))
    expect(wire.begun).toBe(begun)
    expect(carol.members).toHaveLength(2)
    await connected(alice, 'bob', 'carol')
    await stands().catch(() => {})
  })

  test('what it alters does not open', async () => {
    const { broker, counts, stands } = await underAttack()
    const [letter] = broker.letters
    const altered = letter?.payload.slice() ?? new Uint8Array()
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    broker.say(letter?.topic ?? '', altered)
    await vi.waitFor(() => expect(counts('not-authentic')).toBe(1))
    await stands()
  })

  test('what was meant for another session does not open when it is sent to ours', async () => {
    const { broker, sealing, bob, ours, counts, stands } = await underAttack()
    const message: Message = { say: 'ready', name: 'x', from: 'f'.repeat(32), sequence: 1, to: bob.id }
    const theirs = sessionTopic(sealing.topic, bob.id)
    broker.say(ours, sealing.seal(theirs, encodeMessage(message)))
    await vi.waitFor(() => expect(counts('not-authentic')).toBe(1))
    await stands()
  })

  test('garbage costs a counter', async () => {
    const { broker, sealing, counts, stands } = await underAttack()
    broker.say(sealing.topic, new Uint8Array(0))
    broker.say(sealing.topic, new TextEncoder().encode('hello'))
    broker.say(sealing.topic, new Uint8Array(100).fill(1))
    await vi.waitFor(() => expect([counts('malformed'), counts('not-authentic')]).toEqual([2, 1]))
    await stands()
  })

  test('a key-holder’s rubbish and misdirected words cost a counter', async () => {
    const { broker, sealing, ours, bob, counts, stands } = await underAttack()
    const message: Message = { say: 'ready', name: 'x', from: 'f'.repeat(32), sequence: 1, to: bob.id }
    broker.say(ours, sealing.seal(ours, encodeMessage(message)))
    broker.say(ours, sealing.seal(ours, '{"say":"obey"}'))
    await vi.waitFor(() => expect([counts('misdirected'), counts('ill-formed')]).toEqual([1, 1]))
    await stands()
  })
})
