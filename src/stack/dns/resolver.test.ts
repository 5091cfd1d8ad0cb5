import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EAGAIN, EBADF, EINVAL, ENETUNREACH, ENOBUFS, ENODATA, ENOENT, EPROTO, ETIMEDOUT } from '../errno.ts'
import { Event, NameType, Protocol, type Socket, type StackConfig } from '../stack.ts'
import { Correspondence, type Letter } from '../testing/correspondence.ts'
import { type DnsMessage, dnsBytes, readDns } from '../testing/raw-dns.ts'
import { Simulation, seededRandom } from '../testing/simulation.ts'

const SERVER = '10.0.0.53'
const [A, NS, CNAME, SOA, PTR, AAAA] = [1, 2, 5, 6, 12, 28]
const RESPONSE = 0x8180

function host(config: Partial<StackConfig> = {}) {
  const d = new Correspondence({ address: '10.0.0.1/24', dns: [SERVER], ...config })
  for (const server of config.dns ?? [SERVER]) d.present.add(server)
  d.wait(5_000)
  return d
}

function ask(d: Correspondence, name: string, type: NameType = NameType.A): Socket {
  const socket = d.stack.resolve(name, type)
  if (socket < 0) throw new Error(`resolve gave ${socket}`)
  d.wait(1)
  return socket as Socket
}

/** The server answers a question with the records that stand in `message`. */
function answer(d: Correspondence, question: Letter, message: DnsMessage, from = question.to): Drop {
  const { id, questions } = readDns(question.data)
  return d.say(
    from,
    53,
    '10.0.0.1',
    question.fromPort,
    dnsBytes({ id, questions, flags: RESPONSE, ...message }, true),
  )
}

const got = (d: Correspondence, socket: Socket) => {
  const into = new Uint8Array(256)
  const length = d.stack.resolved(socket, into)
  return length < 0 ? length : [...into.subarray(0, length)]
}
const a = (name: string, data: number[], ttl = 300) => ({ name, type: A, ttl, data })
const soa = (ttl: number, minimum: number) => ({
  name: 'example.com',
  type: SOA,
  ttl,
  data: [0, 0, ...Array.from({ length: 16 }, () => 1), 0, 0, minimum >> 8, minimum & 255],
})

describe('a question', () => {
  test('goes to the server with EDNS, and its answer is read', () => {
    const d = host()
    const socket = ask(d, 'www.Example.com')
    const question = d.next()
    expect([question.to, question.toPort]).toEqual([SERVER, 53])
    const { id, flags, questions, additionals } = readDns(question.data)
    expect({ flags, questions }).toEqual({
      flags: 0x0100,
      questions: [{ name: 'www.Example.com', type: A, class: 1 }],
    })
    expect(id).toBeGreaterThan(0)
    expect(additionals).toEqual([{ name: '', type: 41, class: 1232, ttl: 0, data: [] }])
    expect(got(d, socket)).toBe(EAGAIN)
    expect(
      answer(d, question, {
        answers: [a('WWW.example.COM', [1, 2, 3, 4]), a('www.example.com', [1, 2, 3, 5])],
      }),
    ).toBe(Drop.None)
    expect(d.take(socket)).toBe(Event.Readable)
    expect(got(d, socket)).toEqual([1, 2, 3, 4, 1, 2, 3, 5])
    expect(d.stack.close(socket)).toBe(0)
    expect(got(d, socket)).toBe(EBADF)
  })

  test('for IPv6 addresses, and for the name behind an address', () => {
    const d = host()
    const six = ask(d, 'v6.example.com', NameType.Aaaa)
    const data = Array.from({ length: 16 }, (_, i) => i)
    answer(d, d.next(), { answers: [{ name: 'v6.example.com', type: AAAA, data }] })
    expect(got(d, six)).toEqual(data)
    const name = ask(d, '192.0.2.7', NameType.Ptr)
    const question = d.next()
    expect(readDns(question.data).questions[0]?.name).toBe('7.2.0.192.in-addr.arpa')
    answer(d, question, {
      answers: [{ name: '7.2.0.192.in-addr.arpa', type: PTR, data: 'host.example.com' }],
    })
    expect(String.fromCharCode(...(got(d, name) as number[]))).toBe('host.example.com')
  })

  test('is not asked again while the answer lives, and is afterwards', () => {
    const d = host()
    ask(d, 'www.example.com')
    answer(d, d.next(), { answers: [a('www.example.com', [1, 2, 3, 4], 30)] })
    d.wait(29_000)
    const again = ask(d, 'WWW.EXAMPLE.COM')
    d.quiet()
    expect(got(d, again)).toEqual([1, 2, 3, 4])
    d.wait(2_000)
    ask(d, 'www.example.com')
    d.next()
  })

  test('that is no name, that nobody could answer, or is one too many, is refused at once', () => {
    const d = host()
    for (const name of [
      '',
      '.',
      'a..b',
      `${'x'.repeat(64)}.com`,
      'a b',
      'ü.com',
      `${'abcdefgh.'.repeat(29)}com`,
    ])
      expect([name, d.stack.resolve(name, NameType.A)]).toEqual([name, EINVAL])
    for (let i = 0; i < 16; i++) expect(d.stack.resolve(`n${i}.com`, NameType.A)).toBeGreaterThan(0)
    expect(d.stack.resolve('one-more.com', NameType.A)).toBe(ENOBUFS)
    expect(host({ dns: [] }).stack.resolve('a.com', NameType.A)).toBe(ENETUNREACH)
    expect(new Correspondence({ dns: [SERVER] }).stack.resolve('a.com', NameType.A)).toBe(ENETUNREACH)
    expect(() => new Correspondence({ dns: ['x'] })).toThrow(
      "A server for names is written like 10.0.0.53; 'x' is not.",
    )
  })
})

describe('aliases', () => {
  test('are followed within an answer, and each link is kept for its own time', () => {
    const d = host()
    const socket = ask(d, 'www.example.com')
    const alias = (name: string, data: string, ttl: number) => ({ name, type: CNAME, ttl, data })
    answer(d, d.next(), {
      answers: [
        a('c.example.com', [1, 2, 3, 4], 10),
        alias('b.example.com', 'c.example.com', 300),
        alias('www.example.com', 'b.example.com', 300),
      ],
    })
    expect(got(d, socket)).toEqual([1, 2, 3, 4])
    d.wait(20_000)
    ask(d, 'www.example.com')
    expect(readDns(d.next().data).questions[0]?.name).toBe('c.example.com')
  })

  test('that lead out of an answer are asked for', () => {
    const d = host()
    const socket = ask(d, 'www.example.com')
    answer(d, d.next(), { answers: [{ name: 'www.example.com', type: CNAME, data: 'cdn.example.net' }] })
    const question = d.next()
    expect(readDns(question.data).questions[0]?.name).toBe('cdn.example.net')
    answer(d, question, { answers: [a('cdn.example.net', [9, 9, 9, 9])] })
    expect(got(d, socket)).toEqual([9, 9, 9, 9])
  })

  test('that lead in a circle end with EPROTO', () => {
    const d = host()
    const socket = ask(d, 'a.com')
    const answers = [
      { name: 'a.com', type: CNAME, data: 'b.com' },
      { name: 'b.com', type: CNAME, data: 'a.com' },
    ]
    answer(d, d.next(), { answers })
    expect(d.take(socket)).toBe(Event.Closed)
    expect(d.stack.error(socket)).toBe(EPROTO)
  })
})

describe('what is not there', () => {
  test('no such name: remembered for the lesser of the two times, whatever the type', () => {
    const d = host()
    const socket = ask(d, 'no.example.com')
    answer(d, d.next(), { flags: RESPONSE | 3, authorities: [soa(600, 60)] })
    expect([d.take(socket), d.stack.error(socket)]).toEqual([Event.Closed, ENOENT])
    d.wait(59_000)
    const other = ask(d, 'no.example.com', NameType.Aaaa)
    d.quiet()
    expect(d.stack.error(other)).toBe(ENOENT)
    d.wait(2_000)
    ask(d, 'no.example.com')
    d.next()
  })

  test('no records of the type: remembered for this type alone', () => {
    const d = host()
    const socket = ask(d, 'v4.example.com', NameType.Aaaa)
    answer(d, d.next(), { authorities: [soa(60, 600)] })
    expect(d.stack.error(socket)).toBe(ENODATA)
    expect(d.stack.error(ask(d, 'v4.example.com', NameType.Aaaa))).toBe(ENODATA)
    d.quiet()
    ask(d, 'v4.example.com')
    d.next()
  })

  test('without an SOA nothing is remembered; a referral is no answer', () => {
    const d = host()
    const socket = ask(d, 'no.example.com')
    answer(d, d.next(), { flags: RESPONSE | 3 })
    expect(d.stack.error(socket)).toBe(ENOENT)
    const other = ask(d, 'no.example.com')
    answer(d, d.next(), { authorities: [{ name: 'com', type: NS, data: [0] }] })
    expect(got(d, other)).toBe(EAGAIN)
    expect(d.next().to).toBe(SERVER)
  })
})

describe('servers', () => {
  const three = { dns: ['10.0.0.53', '10.0.0.54', '10.0.0.55'] }

  test('that do not answer are asked in turn, twice round, slower the second time; then ETIMEDOUT', () => {
    const d = host(three)
    const begun = d.now
    const socket = ask(d, 'a.com')
    d.wait(60_000)
    const asked = d.letters.splice(0)
    expect(asked.map(({ to, at }) => `${to} ${at - begun}`)).toEqual([
      '10.0.0.53 0',
      '10.0.0.54 2000',
      '10.0.0.55 4000',
      '10.0.0.53 6000',
      '10.0.0.54 10000',
      '10.0.0.55 14000',
    ])
    expect([d.take(socket), d.stack.error(socket)]).toEqual([Event.Closed, ETIMEDOUT])
    // Each try has a port and an id of its own.
    expect(new Set(asked.map(({ fromPort }) => fromPort)).size).toBe(6)
    expect(new Set(asked.map(({ data }) => readDns(data).id)).size).toBe(6)
  })

  test('that fail or refuse are left for the next at once; when all do, EPROTO', () => {
    const d = host(three)
    const socket = ask(d, 'a.com')
    for (let i = 0; i < 6; i++) {
      const question = d.next()
      expect(question.to).toBe(three.dns[i % 3])
      answer(d, question, { flags: RESPONSE | (i % 2 === 0 ? 2 : 5) })
    }
    expect(d.stack.error(socket)).toBe(EPROTO)
  })

  test('that do not know EDNS are asked without it', () => {
    const d = host()
    const socket = ask(d, 'a.com')
    answer(d, d.next(), { flags: RESPONSE | 1 })
    const plain = d.next()
    expect(readDns(plain.data).additionals).toEqual([])
    answer(d, plain, { answers: [a('a.com', [1, 1, 1, 1])] })
    expect(got(d, socket)).toEqual([1, 1, 1, 1])
  })
})

test('only the server, to the port, with the id and the question, is believed', () => {
  const d = host()
  const socket = ask(d, 'a.com')
  const question = d.next()
  const { id = 0, questions } = readDns(question.data)
  const answers = [a('a.com', [6, 6, 6, 6])]
  const right = { id, questions, flags: RESPONSE, answers }
  const say = (message: DnsMessage, from = SERVER, fromPort = 53, toPort = question.fromPort) =>
    d.say(from, fromPort, '10.0.0.1', toPort, dnsBytes(message))
  expect(say(right, '10.0.0.66')).toBe(Drop.UnexpectedDns)
  expect(say(right, SERVER, 54)).toBe(Drop.UnexpectedDns)
  expect(say(right, SERVER, 53, question.fromPort === 60_000 ? 60_001 : 60_000)).toBe(Drop.NoPort)
  expect(say({ ...right, id: id ^ 1 })).toBe(Drop.UnexpectedDns)
  expect(say({ ...right, flags: 0x0100 })).toBe(Drop.UnexpectedDns)
  expect(say({ ...right, flags: RESPONSE | 0x2800 })).toBe(Drop.UnexpectedDns)
  expect(say({ ...right, questions: [{ name: 'b.com', type: A }] })).toBe(Drop.UnexpectedDns)
  expect(say({ ...right, questions: [{ name: 'a.com', type: AAAA }] })).toBe(Drop.UnexpectedDns)
  expect(say({ ...right, questions: [{ name: 'a.com', type: A, class: 3 }] })).toBe(Drop.UnexpectedDns)
  expect(say({ ...right, questions: [] })).toBe(Drop.UnexpectedDns)
  expect(d.say(SERVER, 53, '10.0.0.1', question.fromPort, dnsBytes(right).slice(0, -1))).toBe(Drop.BadDns)
  expect(got(d, socket)).toBe(EAGAIN)
  expect(say(right)).toBe(Drop.None)
  expect(say(right)).toBe(Drop.NoPort)
  expect(got(d, socket)).toEqual([6, 6, 6, 6])
})

test('records for names that nobody asked for are not kept', () => {
  const d = host()
  const socket = ask(d, 'a.com')
  answer(d, d.next(), {
    answers: [a('bank.com', [6, 6, 6, 6]), a('a.com', [1, 1, 1, 1])],
    additionals: [a('x.com', [6, 6, 6, 6])],
  })
  expect(got(d, socket)).toEqual([1, 1, 1, 1])
  for (const name of ['bank.com', 'x.com']) {
    ask(d, name)
    d.next()
  }
})

/** A host that asks, and a server in a program on another host, which says by UDP that the answer is too long. */
function byTcp(serve: (question: Uint8Array) => Uint8Array | undefined) {
  const sim = new Simulation()
  const client = sim.add('client', { dns: ['10.0.0.2'] })
  const server = sim.add('server')
  sim.start()
  const udp = server.stack.socket(Protocol.Udp) as Socket
  server.stack.bind(udp, 0, 53)
  const listener = server.stack.socket(Protocol.Tcp) as Socket
  server.stack.bind(listener, 0, 53)
  server.stack.listen(listener, 4)
  const baseline = client.stack.memory.used
  const socket = client.stack.resolve('long.example.com', NameType.A) as Socket
  const into = new Uint8Array(4096)
  const from = { address: 0, port: 0 }
  const conversations: Socket[] = []
  const step = () => {
    sim.run(5)
    const length = server.stack.recvFrom(udp, into, from)
    if (length > 0) {
      const question = into.slice(0, length)
      question[2] = 0x83
      server.stack.sendTo(udp, question, from.address, from.port)
    }
    const connection = server.stack.accept(listener)
    if (connection > 0) conversations.push(connection as Socket)
    for (const one of conversations) {
      const bytes = server.stack.recv(one, into)
      if (bytes <= 0) continue
      expect((into[0] ?? 0) * 256 + (into[1] ?? 0)).toBe(bytes - 2)
      const reply = serve(into.slice(2, bytes))
      if (reply) server.stack.send(one, reply)
      else server.stack.abort(one)
    }
  }
  return { sim, client, socket, step, baseline }
}

const framed = (bytes: readonly number[]): Uint8Array =>
  Uint8Array.from([bytes.length >> 8, bytes.length & 255, ...bytes])

test('an answer that is too long for a datagram comes by TCP, and all memory is given back', () => {
  const many = Array.from({ length: 60 }, (_, i) => a('long.example.com', [10, 1, 0, i]))
  const { sim, client, socket, step, baseline } = byTcp(question => {
    const { id, questions } = readDns(question)
    return framed(dnsBytes({ id, questions, flags: RESPONSE, answers: many }, true))
  })
  for (let i = 0; i < 100; i++) step()
  const into = new Uint8Array(300)
  const length = client.stack.resolved(socket, into)
  expect(length).toBe(240)
  expect([...into.subarray(236, 240)]).toEqual([10, 1, 0, 59])
  client.stack.close(socket)
  sim.run(400_000)
  expect(client.stack.memory.used).toBe(baseline)
})

test('of an answer that is longer than a page, the first records are taken', () => {
  const many = Array.from({ length: 600 }, (_, i) => a('long.example.com', [10, 1, i >> 8, i & 255]))
  const { client, socket, step } = byTcp(question => {
    const { id, questions } = readDns(question)
    return framed(dnsBytes({ id, questions, flags: RESPONSE, answers: many }))
  })
  for (let i = 0; i < 100; i++) step()
  const into = new Uint8Array(300)
  expect(client.stack.resolved(socket, into)).toBeGreaterThan(100)
  expect([...into.subarray(0, 4)]).toEqual([10, 1, 0, 0])
})

test('a server that breaks off, or says another thing, is no server', () => {
  for (const reply of [undefined, framed(dnsBytes({ id: 1, flags: RESPONSE })), Uint8Array.of(0, 0)]) {
    const { client, socket, step } = byTcp(() => reply)
    for (let i = 0; i < 2400 && client.stack.resolved(socket, new Uint8Array(9)) === EAGAIN; i++) step()
    expect(client.stack.error(socket)).toBe(EPROTO)
  }
})

test('the cache is bounded, the oldest goes; when all is closed and its time is over, memory is as before', () => {
  const d = host({ memory: 64 * 1024 })
  const used = d.stack.memory.used
  for (let i = 0; i < 40; i++) {
    const socket = ask(d, `n${i}.com`)
    answer(d, d.next(), { answers: [a(`n${i}.com`, [1, 1, 1, i], 3600)] })
    expect(got(d, socket)).toEqual([1, 1, 1, i])
    d.stack.close(socket)
  }
  expect(d.stack.memory.used - used).toBeLessThan(4 * 1600)
  ask(d, 'n39.com')
  d.quiet()
  ask(d, 'n0.com')
  d.next()
  d.wait(60_000)
  const e = host()
  const before = e.stack.memory.used
  e.stack.close(ask(e, 'x.com'))
  e.wait(4_000_000)
  // The neighbour entry of the server, too, has gone.
  expect(e.stack.memory.used).toBeLessThanOrEqual(before)
})

test('bits flipped, ends cut off, and junk: nothing throws, memory stays within its bounds', () => {
  const d = host()
  const random = seededRandom(3)
  for (let turn = 0; turn < 3_000; turn++) {
    const socket = ask(d, `host${turn % 50}.com`, turn % 3 === 0 ? NameType.Ptr : NameType.A)
    for (const question of d.letters.splice(0)) {
      const { id, questions } = readDns(question.data)
      const name = questions[0]?.name ?? ''
      const bytes = dnsBytes(
        {
          id,
          questions,
          flags: RESPONSE,
          answers: [
            { name, type: CNAME, data: `alias.${name}` },
            a(`alias.${name}`, [1, 2, 3, 4], 5),
            { name, type: PTR, data: name },
          ],
          authorities: [soa(5, 5)],
        },
        true,
      )
      // The first twelve bytes and the question stay as they are, so that the rules behind them are reached.
      const safe = 12 + name.length + 6
      for (let flips = random() % 6; flips > 0; flips--)
        bytes[safe + (random() % (bytes.length - safe))] = random() & 255
      if (random() % 4 === 0) bytes[7] = random() % 9
      const cut = random() % 4 === 0 ? bytes.slice(0, random() % bytes.length) : bytes
      d.say(SERVER, 53, '10.0.0.1', question.fromPort, cut)
    }
    d.letters.length = 0
    d.stack.close(socket)
    if (turn % 100 === 0) d.wait(3_000)
  }
  expect(d.stack.memory.pools.find(({ name }) => name === 'names')?.used).toBeLessThan(10 * 1600)
})
