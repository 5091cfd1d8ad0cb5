import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { type Letter, Signalling } from '../room/signalling.ts'
import { BOUNDS } from './broker.ts'
import { BrokerOnAPort, openNodeSocket } from './broker-on-a-port.fake.ts'

const TOPIC = `lanlet/${'0'.repeat(32)}`
const bytes = (text: string) => new TextEncoder().encode(text)
let port: BrokerOnAPort
const clients: Signalling[] = []

beforeEach(async () => {
  port = await BrokerOnAPort.start()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.leave({ topic: TOPIC, payload: new Uint8Array() })
  await port.stop()
})

function client(clientId: string, ...topics: string[]) {
  const seen = { online: 0, offline: [] as string[], letters: [] as Letter[] }
  const signalling = new Signalling({
    url: port.url,
    clientId,
    topics,
    will: () => ({ topic: TOPIC, payload: bytes(`${clientId} is gone`) }),
    events: {
      onOnline: () => seen.online++,
      onOffline: why => seen.offline.push(why),
      onLetter: letter => seen.letters.push(letter),
    },
    openSocket: openNodeSocket,
  })
  clients.push(signalling)
  return { signalling, seen }
}
const online = (seen: { online: number }) => vi.waitFor(() => expect(seen.online).toBe(1))

test('a message reaches whoever subscribed to its topic, and nobody else', async () => {
  const alice = client('alice', TOPIC)
  const bob = client('bob', `${TOPIC}/${'b'.repeat(32)}`)
  await online(alice.seen)
  await online(bob.seen)
  bob.signalling.publish({ topic: TOPIC, payload: bytes('hello') })
  await vi.waitFor(() => expect(alice.seen.letters).toEqual([{ topic: TOPIC, payload: bytes('hello') }]))
  expect(bob.seen.letters).toEqual([])
})

describe('a stranger cannot list rooms:', () => {
  test.each(['#', '+/+', 'lanlet/#', 'lanlet/+', `${TOPIC}/+`, '$SYS/#', '$share/a/#', 'other/topic'])(
    'a subscription to %s is refused',
    async topic => {
      const { seen } = client('stranger', topic)
      await vi.waitFor(() =>
        expect(seen.offline[0]).toBe(
          `The broker at ${port.url} refuses lanlet's topics: it must allow lanlet/#.`,
        ),
      )
      expect(seen.online).toBe(0)
    },
  )
})

test('a client takes no more subscriptions than a page needs', async () => {
  const topics = Array.from({ length: BOUNDS.subscriptions + 1 }, (_, n) => `lanlet/${String(n).repeat(32)}`)
  const { seen } = client('greedy', ...topics)
  await vi.waitFor(() => expect(seen.offline[0]).toMatch(/refuses/))
})

test('who publishes elsewhere, or more than a message may hold, is cut off', async () => {
  for (const letter of [
    { topic: 'other/topic', payload: bytes('x') },
    { topic: TOPIC, payload: new Uint8Array(BOUNDS.packet + 1) },
  ]) {
    const { signalling, seen } = client('rude', TOPIC)
    await online(seen)
    signalling.publish(letter)
    await vi.waitFor(() => expect(seen.offline.length).toBeGreaterThan(0))
    expect(seen.letters.filter(({ payload }) => payload.length > 100)).toEqual([])
    signalling.leave({ topic: TOPIC, payload: new Uint8Array() })
  }
})

test('a client that vanishes leaves its last will; one that leaves does not', async () => {
  const alice = client('alice', TOPIC)
  await online(alice.seen)
  const sockets: WebSocket[] = []
  const vanishing = new Signalling({
    url: port.url,
    clientId: 'vanishing',
    topics: [TOPIC],
    will: () => ({ topic: TOPIC, payload: bytes('gone') }),
    events: { onOnline: () => sockets[0]?.terminate(), onOffline() {}, onLetter() {} },
    openSocket: (url, protocol) => {
      const socket = new WebSocket(url, protocol)
      sockets.push(socket)
      return socket as unknown as globalThis.WebSocket
    },
  })
  await vi.waitFor(() =>
    expect(alice.seen.letters.map(({ payload }) => new TextDecoder().decode(payload))).toContain('gone'),
  )
  vanishing.leave({ topic: TOPIC, payload: bytes('bye') })

  const bob = client('bob', TOPIC)
  await online(bob.seen)
  bob.signalling.leave({ topic: TOPIC, payload: bytes('goodbye') })
  await vi.waitFor(() =>
    expect(alice.seen.letters.map(({ payload }) => new TextDecoder().decode(payload))).toContain('goodbye'),
  )
  const carol = client('carol', TOPIC)
  await online(carol.seen)
  expect(alice.seen.letters.map(({ payload }) => new TextDecoder().decode(payload))).not.toContain(
    'bob is gone',
  )
})

test('garbage in the place of MQTT ends that client alone', async () => {
  const alice = client('alice', TOPIC)
  await online(alice.seen)
  const socket = new WebSocket(port.url, 'mqtt')
  const closed = new Promise(resolve => socket.on('close', resolve))
  socket.on('open', () => socket.send(Buffer.from('GET / HTTP/1.1\r\n\r\n')))
  await closed
  alice.signalling.publish({ topic: TOPIC, payload: bytes('still here') })
  await vi.waitFor(() => expect(alice.seen.letters).toHaveLength(1))
})

test('more clients than the broker takes are refused before they speak', async () => {
  const sockets = await Promise.all(
    Array.from({ length: BOUNDS.clients + 1 }, () => {
      const socket = new WebSocket(port.url, 'mqtt')
      return new Promise<WebSocket | undefined>(resolve => {
        socket.on('open', () => resolve(socket))
        socket.on('error', () => resolve(undefined))
      })
    }),
  )
  expect(sockets.filter(socket => socket === undefined)).toHaveLength(1)
  for (const socket of sockets) socket?.terminate()
})
