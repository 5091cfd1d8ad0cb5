/** Two real hosts on one cable, used as code written for Direct Sockets would. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ENOBUFS } from '../../stack/errno.ts'
import { Option } from '../../stack/stack.ts'
import type { Host } from '../host.ts'
import { address6Of, addressOf, Cable, MEMORY, SOON } from '../testing/cable.ts'
import type { TCPSocket } from './tcp-socket.ts'

let cable: Cable
let alice: Host
let bob: Host
let bobsAddress: string

beforeEach(async () => {
  cable = new Cable()
  alice = cable.add('alice')
  bob = cable.add('bob')
  await addressOf(alice)
  bobsAddress = await addressOf(bob)
})
afterEach(() => cable.end())

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)
const bytes = (words: string) => new TextEncoder().encode(words)
const listen = async (port: number) => {
  const { readable } = await new bob.sockets.TCPServerSocket('0.0.0.0', { localPort: port }).opened
  return readable.getReader()
}
const accept = async (from: ReadableStreamDefaultReader<TCPSocket>) => {
  const { value } = await from.read()
  if (value === undefined) throw new Error('no connection')
  return value
}

describe('TCPSocket', () => {
  test('opens with the addresses and ports of both ends', async () => {
    const server = await listen(80)
    const client = await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    const accepted = await (await accept(server)).opened
    expect([client.remoteAddress, client.remotePort]).toEqual([bobsAddress, 80])
    expect([accepted.remoteAddress, accepted.remotePort]).toEqual([client.localAddress, client.localPort])
  })

  test('opens to a name of the link, again when it is known, and knows the address behind it', async () => {
    const carol = new Cable()
    const near = carol.add('near')
    const far = carol.add('far', 'far')
    await addressOf(near)
    const address = await addressOf(far)
    await new far.sockets.TCPServerSocket('0.0.0.0', { localPort: 80 }).opened
    await vi.waitFor(async () => {
      const socket = new near.sockets.TCPSocket('far.local', 80)
      expect((await socket.opened).remoteAddress).toBe(address)
      expect(socket.remoteAddress).toBe(address)
    }, SOON)
    // Now the name is known, and nobody on the link is asked again.
    const again = new near.sockets.TCPSocket('far.local', 80)
    expect((await again.opened).remoteAddress).toBe(address)
    carol.end()
  }, 20_000)

  test('a name that nobody can be asked for rejects with a reason', async () => {
    const socket = new alice.sockets.TCPSocket('www.example.com', 80)
    await expect(socket.opened).rejects.toMatchObject({ code: 'ENETUNREACH' })
    await expect(socket.closed).rejects.toMatchObject({ code: 'ENETUNREACH' })
  })

  test('early data waits for whoever accepts and reads', async () => {
    const server = await listen(80)
    const { writable } = await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    await writable.getWriter().write(bytes('early'))
    await new Promise(resolve => setTimeout(resolve, 20))
    const { readable } = await (await accept(server)).opened
    expect(text((await readable.getReader().read()).value)).toBe('early')
  })

  test('reads into a buffer of the reader’s own', async () => {
    const server = await listen(80)
    const { writable } = await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    await writable.getWriter().write(bytes('0123456789'))
    const { readable } = await (await accept(server)).opened
    const reader = readable.getReader({ mode: 'byob' })
    expect(text((await reader.read(new Uint8Array(4))).value)).toBe('0123')
    expect(text((await reader.read(new Uint8Array(99))).value)).toBe('456789')
  })

  test('a reader that does not read holds the writer up, within the budget, and loses nothing', async () => {
    const server = await listen(80)
    const { writable } = await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    const { readable } = await (await accept(server)).opened
    const data = Uint8Array.from({ length: 2 * MEMORY * 2 }, (_, i) => (i * 7919) >> 3)
    const writer = writable.getWriter()
    let written = false
    const writing = writer.write(data).then(() => {
      written = true
      return writer.close()
    })
    const window = () => bob.snapshot().connections.find(({ state }) => state === 'ESTABLISHED')?.rcvWnd
    await vi.waitFor(() => expect(window()).toBe(0), SOON)
    expect(written).toBe(false)
    expect(bob.stack.memory.used).toBeLessThanOrEqual(MEMORY)
    const got: Uint8Array[] = []
    const reader = readable.getReader()
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      got.push(value)
    }
    await writing
    expect(Buffer.concat(got).equals(Buffer.from(data))).toBe(true)
  })

  test('a write that meets no free memory waits for it', async () => {
    const server = await listen(80)
    const { writable } = await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    const { readable } = await (await accept(server)).opened
    vi.spyOn(alice.stack, 'send').mockReturnValueOnce(ENOBUFS).mockReturnValueOnce(ENOBUFS)
    await writable.getWriter().write(bytes('at last'))
    expect(text((await readable.getReader().read()).value)).toBe('at last')
  })

  test('a bulk flow gets an ACK for at least every second segment (RFC 5681, 4.2)', async () => {
    const server = await listen(80)
    const { writable } = await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    const { readable } = await (await accept(server)).opened
    const reading = readable.pipeTo(new WritableStream())
    cable.senders = ''
    const writer = writable.getWriter()
    await writer.write(new Uint8Array(300_000))
    await writer.close()
    await reading
    expect(cable.senders).toMatch(/ab/)
    expect(cable.senders).not.toMatch(/aaa/)
  })

  test('noDelay turns Nagle’s algorithm off on the stack’s socket; without it nothing is set', async () => {
    await listen(80)
    const set = vi.spyOn(alice.stack, 'setOption')
    await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    expect(set).not.toHaveBeenCalled()
    await new alice.sockets.TCPSocket(bobsAddress, 80, { noDelay: true }).opened
    expect(set.mock.calls.map(([, option, value]) => [option, value])).toEqual([[Option.NoDelay, 1]])
    expect(set.mock.results.map(({ value }) => value)).toEqual([0])
  })

  test('keepAliveDelay sets idle time and interval in seconds, before the connection is opened', async () => {
    await listen(80)
    const set = vi.spyOn(alice.stack, 'setOption')
    await new alice.sockets.TCPSocket(bobsAddress, 80, { keepAliveDelay: 1500 }).opened
    expect(set.mock.calls.map(([, option, value]) => [option, value])).toEqual([
      [Option.KeepAlive, 1],
      [Option.KeepIdle, 2],
      [Option.KeepInterval, 2],
    ])
    expect(set.mock.results.map(({ value }) => value)).toEqual([0, 0, 0])
  })

  test.each([999, -1, Number.NaN])('a keepAliveDelay of %d ms is a TypeError', delay => {
    expect(() => new alice.sockets.TCPSocket(bobsAddress, 80, { keepAliveDelay: delay })).toThrow(TypeError)
  })

  test('closes in order when both sides have said all', async () => {
    const server = await listen(80)
    const client = new alice.sockets.TCPSocket(bobsAddress, 80)
    await client.opened
    const accepted = await accept(server)
    await accepted.opened
    await Promise.all([client.close(), accepted.close()])
    await expect(accepted.closed).resolves.toBeUndefined()
  })

  test('refuses to close under a reader', async () => {
    await listen(80)
    const client = new alice.sockets.TCPSocket(bobsAddress, 80)
    const { readable } = await client.opened
    readable.getReader()
    await expect(client.close()).rejects.toThrow('Release the reader and the writer')
  })

  test('rejects at once with ECONNREFUSED where nobody listens', async () => {
    const client = new alice.sockets.TCPSocket(bobsAddress, 81)
    await expect(client.opened).rejects.toMatchObject({ name: 'NetworkError', code: 'ECONNREFUSED' })
    await expect(client.closed).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('an abort reaches the other side’s reader, writer and closed as ECONNRESET', async () => {
    const server = await listen(80)
    const client = new alice.sockets.TCPSocket(bobsAddress, 80)
    await client.opened
    const accepted = await accept(server)
    const { readable, writable } = await accepted.opened
    const reading = readable.getReader().read()
    client.abort()
    await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(accepted.closed).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(writable.getWriter().write(bytes('x'))).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test('a wrong address or port is refused in a sentence', () => {
    expect(() => new alice.sockets.TCPSocket('1.2.3', 80)).toThrow(
      "'1.2.3' is neither an address, such as 169.254.1.2 or fe80::1, nor the name of a host.",
    )
    expect(() => new alice.sockets.TCPSocket(bobsAddress, 0)).toThrow(
      '0 is not a port; ports are 1 to 65535.',
    )
  })

  test('without a port, the stack chooses a free one to listen on', async () => {
    const { localPort } = await new bob.sockets.TCPServerSocket('0.0.0.0').opened
    expect(localPort).toBeGreaterThanOrEqual(49152)
    await new alice.sockets.TCPSocket(bobsAddress, localPort).opened
  })

  test('a port is listened on once', async () => {
    await listen(80)
    await expect(listen(80)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  test('refuses to close under a reader; without one, its stream ends and the port is free', async () => {
    const server = new bob.sockets.TCPServerSocket('0.0.0.0', { localPort: 90 })
    const { readable } = await server.opened
    const reader = readable.getReader()
    await expect(server.close()).rejects.toMatchObject({ name: 'InvalidStateError' })
    await new alice.sockets.TCPSocket(bobsAddress, 90).opened
    expect((await reader.read()).done).toBe(false)
    reader.releaseLock()
    await server.close()
    await server.closed
    expect((await readable.getReader().read()).done).toBe(true)
    await new bob.sockets.TCPServerSocket('0.0.0.0', { localPort: 90 }).opened
  })

  test('a hundred connections, refused and aborted, leave no memory behind', async () => {
    const server = await listen(80)
    // They know each other as neighbours from here on.
    await new alice.sockets.TCPSocket(bobsAddress, 81).opened.catch(() => undefined)
    const before = [alice, bob].map(({ stack }) => stack.memory.used)
    for (let i = 0; i < 50; i++) {
      const client = new alice.sockets.TCPSocket(bobsAddress, 80)
      const { writable } = await client.opened
      await writable.getWriter().write(bytes('hello'))
      const accepted = await accept(server)
      client.abort()
      await accepted.closed.catch(() => undefined)
      await new alice.sockets.TCPSocket(bobsAddress, 81).opened.catch(() => undefined)
    }
    await vi.waitFor(() => expect([alice, bob].map(({ stack }) => stack.memory.used)).toEqual(before), SOON)
  })
})

describe('UDPSocket', () => {
  test('refuses to close under a reader or a writer; without them, its streams end and the port is free', async () => {
    const socket = new bob.sockets.UDPSocket({ localPort: 53 })
    const { readable, writable } = await socket.opened
    const [reader, writer] = [readable.getReader(), writable.getWriter()]
    await expect(socket.close()).rejects.toMatchObject({ name: 'InvalidStateError' })
    reader.releaseLock()
    await expect(socket.close()).rejects.toMatchObject({ name: 'InvalidStateError' })
    writer.releaseLock()
    await socket.close()
    await socket.closed
    expect((await readable.getReader().read()).done).toBe(true)
    await new bob.sockets.UDPSocket({ localPort: 53 }).opened
  })

  test('carries datagrams there and back', async () => {
    const server = await new bob.sockets.UDPSocket({ localPort: 53 }).opened
    const client = await new alice.sockets.UDPSocket({ localPort: 5353 }).opened
    const data = bytes('question')
    await client.writable.getWriter().write({ data, remoteAddress: bobsAddress, remotePort: 53 })
    const { value: question } = await server.readable.getReader().read()
    expect([text(question?.data), question?.remotePort]).toEqual(['question', 5353])
    const { remoteAddress, remotePort } = question ?? {}
    if (remoteAddress === undefined || remotePort === undefined) throw new Error('no sender')
    await server.writable.getWriter().write({ data: bytes('answer'), remoteAddress, remotePort })
    const { value: answer } = await client.readable.getReader().read()
    expect([text(answer?.data), answer?.remoteAddress, answer?.remotePort]).toEqual([
      'answer',
      bobsAddress,
      53,
    ])
  })
})

describe('over IPv6', () => {
  let six: Cable
  let near: Host
  let far: Host
  let farAddress: string
  beforeEach(async () => {
    six = new Cable()
    near = six.add('near', undefined, true)
    far = six.add('far', 'far', true)
    await address6Of(near)
    farAddress = await address6Of(far)
  })
  afterEach(() => six.end())

  test('a connection opens with the addresses of both ends, and carries both ways', async () => {
    const { readable } = await new far.sockets.TCPServerSocket('::', { localPort: 80 }).opened
    const client = await new near.sockets.TCPSocket(farAddress, 80).opened
    const accepted = await (await accept(readable.getReader())).opened
    expect([client.remoteAddress, client.remotePort]).toEqual([farAddress, 80])
    expect([accepted.remoteAddress, accepted.remotePort]).toEqual([client.localAddress, client.localPort])
    await client.writable.getWriter().write(bytes('there'))
    expect(text((await accepted.readable.getReader().read()).value)).toBe('there')
    await accepted.writable.getWriter().write(bytes('back'))
    expect(text((await client.readable.getReader().read()).value)).toBe('back')
  })

  test('a datagram tells where it came from, and is answered', async () => {
    const server = await new far.sockets.UDPSocket({ localPort: 53 }).opened
    const client = await new near.sockets.UDPSocket({ remoteAddress: farAddress, remotePort: 53 }).opened
    await client.writable.getWriter().write({ data: bytes('question') })
    const { value: question } = await server.readable.getReader().read()
    expect(question?.remoteAddress).toMatch(/^fe80::/)
    if (question === undefined) throw new Error('no question')
    await server.writable.getWriter().write({ ...question, data: bytes('answer') })
    const { value: answer } = await client.readable.getReader().read()
    expect([text(answer?.data), answer?.remoteAddress]).toEqual(['answer', farAddress])
  })

  test('who has left the segment is gone for its connections at once', async () => {
    const { readable } = await new far.sockets.TCPServerSocket('::', { localPort: 80 }).opened
    const client = new near.sockets.TCPSocket(farAddress, 80)
    await client.opened
    await accept(readable.getReader())
    near.neighboursGone(['02:00:00:00:00:02'], 'far has left.')
    await expect(client.closed).rejects.toThrow('far has left.')
  })

  test('ping is answered', async () => {
    const [answer] = await near.ping(farAddress, 1)
    expect(answer?.rtt).toBeGreaterThan(0)
  })
})

describe('a host', () => {
  test('that meets an error of its own stops, says so, ends its connections and disturbs no other', async () => {
    const server = await listen(80)
    const client = new alice.sockets.TCPSocket(bobsAddress, 80)
    const { writable } = await client.opened
    const { readable } = await (await accept(server)).opened
    const reading = readable.getReader().read()
    vi.spyOn(bob.stack, 'input').mockImplementation(() => {
      throw new Error('a bug.')
    })
    await writable.getWriter().write(bytes('x'))
    await expect(reading).rejects.toThrow(
      'bob was stopped by an error of its own: a bug. Restart it to go on.',
    )
    expect(cable.records).toContainEqual(
      expect.objectContaining({ kind: 'notice', host: 'bob', about: 'error' }),
    )
    expect(alice.snapshot().connections.some(({ state }) => state === 'ESTABLISHED')).toBe(true)
    expect(bob.ready).toBe(true)
  })
})

describe('what was acknowledged is read, also when the peer has left the segment', () => {
  /** The peer has sent so much, and it was acknowledged; nobody has read it yet. */
  async function unread(length: number) {
    const server = await listen(80)
    const client = new alice.sockets.TCPSocket(bobsAddress, 80)
    const { writable } = await client.opened
    const accepted = await accept(server)
    const { readable } = await accepted.opened
    const data = Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3)
    await writable.getWriter().write(data)
    const owed = () => alice.snapshot().connections.find(({ remotePort }) => remotePort === 80)?.sendQueued
    await vi.waitFor(() => expect(owed()).toBe(0), SOON)
    return { accepted, readable, data }
  }

  async function readTillItBreaks(readable: ReadableStream<Uint8Array>) {
    const reader = readable.getReader()
    const got: Uint8Array[] = []
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) got.push(read.value)
    } catch (error) {
      return { got: Buffer.concat(got), why: (error as Error).message }
    }
    return { got: Buffer.concat(got), why: 'the end' }
  }

  test('nobody had read yet: all of it comes, then the reason', async () => {
    const { readable, data, accepted } = await unread(40_000)
    bob.neighboursGone(['02:00:00:00:00:01'], 'alice is gone.')
    await expect(accepted.closed).rejects.toThrow('alice is gone.')
    const { got, why } = await readTillItBreaks(readable)
    expect([got.length, got.equals(Buffer.from(data)), why]).toEqual([data.length, true, 'alice is gone.'])
  })

  test('who has left waits for nobody: a reader that waits is told at once, with nothing before it', async () => {
    const server = await listen(80)
    await new alice.sockets.TCPSocket(bobsAddress, 80).opened
    const { readable } = await (await accept(server)).opened
    const reading = readTillItBreaks(readable)
    await new Promise(resolve => setTimeout(resolve, 20))
    bob.neighboursGone(['02:00:00:00:00:01'], 'alice is gone.')
    expect(await reading).toEqual({ got: Buffer.alloc(0), why: 'alice is gone.' })
  })

  test('a reader with a small buffer of its own gets all of it, in order', async () => {
    const { readable, data } = await unread(1_000)
    bob.neighboursGone(['02:00:00:00:00:01'], 'alice is gone.')
    const reader = readable.getReader({ mode: 'byob' })
    for (let at = 0; at < data.length; ) {
      const { value } = await reader.read(new Uint8Array(300))
      expect(value).toEqual(data.subarray(at, at + (value?.length ?? 0)))
      at += value?.length ?? data.length
    }
    await expect(reader.read(new Uint8Array(300))).rejects.toThrow('alice is gone.')
  })
})
