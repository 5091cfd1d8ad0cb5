import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { type Letter, Signalling } from '../room/signalling.ts'
import { MAX_MESSAGE } from '../room/topic.ts'
import { BOUNDS, refuseUpgrade } from './broker.ts'
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

test('a client that resets its connection while it is refused disturbs nobody', async () => {
  const server = createServer()
  const ended = new Promise<string>(resolve =>
    server.on('upgrade', (_request, socket) => {
      socket.on('close', () => resolve('closed'))
      refuseUpgrade(socket, '404 Not Found')
      socket.emit('error', new Error('read ECONNRESET'))
    }),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  expect(await ended).toBe('closed')
  client.destroy()
  server.close()
})

test('a client that reads nothing of what it subscribed to holds nobody up', {
  timeout: 20_000,
}, async () => {
  const DEAF = `lanlet/${'d'.repeat(32)}`
  const alice = client('alice', TOPIC)
  const bob = client('bob', `${TOPIC}/${'b'.repeat(32)}`)
  await online(alice.seen)
  await online(bob.seen)
  const socket = new WebSocket(port.url, 'mqtt')
  const deaf = new Signalling({
    url: port.url,
    clientId: 'deaf',
    topics: [DEAF],
    will: () => ({ topic: DEAF, payload: bytes('gone') }),
    events: { onOnline: () => socket.pause(), onOffline() {}, onLetter() {} },
    openSocket: () => socket as unknown as globalThis.WebSocket,
  })
  await vi.waitFor(() => expect(socket.isPaused).toBe(true))
  // aedes delivers a hundred messages at a time: so many that wait for one reader would be all that it does.
  const floods = Array.from({ length: 110 }, (_, n) => client(`flood-${n}`, `lanlet/${'e'.repeat(32)}`))
  await vi.waitFor(() => expect(floods.every(({ seen }) => seen.online === 1)).toBe(true), 5_000)
  for (const { signalling } of floods)
    for (let n = 0; n < 20; n++) signalling.publish({ topic: DEAF, payload: new Uint8Array(MAX_MESSAGE) })
  await vi.waitFor(() => expect(port.broker.connectedClients).toBe(112), 5_000)
  bob.signalling.publish({ topic: TOPIC, payload: bytes('hello') })
  await vi.waitFor(() => expect(alice.seen.letters).toHaveLength(1), 5_000)
  deaf.leave({ topic: DEAF, payload: new Uint8Array() })
})

describe('a client that speaks MQTT by hand', () => {
  const CLEAN = 0x02
  const packet = (type: number, ...body: number[]) => Buffer.from([type, body.length, ...body])
  const utf8 = (text: string) => [0, text.length, ...Buffer.from(text)]
  const speak = async (flags: number, then?: Buffer) => {
    const socket = new WebSocket(port.url, 'mqtt')
    await new Promise(resolve => socket.on('open', resolve))
    const ended = new Promise<number>(resolve => socket.on('close', resolve))
    // CONNACK's return code, or -1 when the broker hangs up in its place.
    const answer = new Promise<number>(resolve => {
      socket.on('message', data => resolve((data as Buffer)[3] ?? -1))
      socket.on('close', () => resolve(-1))
    })
    socket.send(packet(0x10, ...utf8('MQTT'), 4, flags, 0, 0, ...utf8('by-hand')))
    const returnCode = await answer
    if (then !== undefined) socket.send(then)
    return { returnCode, ended }
  }

  test('may not leave a session behind', async () => {
    expect((await speak(0)).returnCode).toBe(-1)
    expect((await speak(CLEAN)).returnCode).toBe(0)
  })

  test('may not leave a retained message behind', async () => {
    await (await speak(CLEAN, packet(0x31, ...utf8(TOPIC), 1, 2, 3))).ended
    const late = client('late', TOPIC)
    await online(late.seen)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(late.seen.letters).toEqual([])
  })

  test('is cut off by a message that is larger than any packet may be', async () => {
    // RFC 6455, 7.4.1: 1009 is a message too big.
    expect(await (await speak(CLEAN, Buffer.alloc(BOUNDS.packet + 1))).ended).toBe(1009)
  })
})
