import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EADDRINUSE, EAGAIN, ENETUNREACH, ENOBUFS, ENODATA, ENOENT } from '../errno.ts'
import { formatIpv4 } from '../ip/addresses.ts'
import { Event, NameType, Protocol, type Socket } from '../stack.ts'
import { Correspondence } from '../testing/correspondence.ts'
import { type DnsMessage, dnsBytes, type ReadRecord, readDns } from '../testing/raw-dns.ts'
import { type SimulatedHost, Simulation, seededRandom } from '../testing/simulation.ts'

const GROUP = '224.0.0.251'
const [A, PTR, AAAA, NSEC, ANY] = [1, 12, 28, 47, 255]
const [IN, FLUSH] = [1, 0x8001]
const RESPONSE = 0x8400
const PEER = '10.0.0.2'
const HOST = [10, 0, 0, 1]
const REVERSE = '1.0.0.10.in-addr.arpa'

function alice() {
  return new Correspondence({ address: '10.0.0.1/24', name: 'Alice', ipv6: false })
}
/** Past its probes and announcements, silent for a while. */
function known() {
  const d = alice().wait(20_000)
  d.letters.length = 0
  return d
}
const say = (d: Correspondence, message: DnsMessage, from = PEER, port = 5353, to = GROUP) =>
  d.say(from, port, to, 5353, dnsBytes(message, true), [2, 0, 0, 0, 0, 9], 255)
const a = (name: string, data: number[], dnsClass = FLUSH, ttl = 120) => ({
  name,
  type: A,
  class: dnsClass,
  ttl,
  data,
})
const question = (name: string, type: number, dnsClass = IN) => ({ name, type, class: dnsClass })
const told = (records: readonly ReadRecord[]) =>
  records.map(({ name, type, ttl }) => `${name} ${type} ${ttl}`)

describe('our own name', () => {
  test('is probed for three times, a quarter of a second apart, and then announced twice', () => {
    const d = alice().wait(10_000)
    const messages = d.letters.splice(0).map(letter => ({ ...letter, dns: readDns(letter.data) }))
    expect(messages.map(({ to, toPort, fromPort, ttl }) => [to, toPort, fromPort, ttl])).toEqual(
      messages.map(() => [GROUP, 5353, 5353, 255]),
    )
    const [p1, p2, p3, a1, a2] = messages
    expect(messages).toHaveLength(5)
    for (const probe of [p1, p2, p3])
      expect(probe?.dns).toMatchObject({
        flags: 0,
        questions: [{ name: 'Alice.local', type: ANY, class: FLUSH }],
        authorities: [{ name: 'Alice.local', type: A, class: IN, data: HOST }],
      })
    for (const announcement of [a1, a2])
      expect(announcement?.dns).toMatchObject({
        flags: RESPONSE,
        questions: [],
        answers: [
          { name: 'Alice.local', type: A, class: FLUSH, ttl: 120, data: HOST },
          { name: REVERSE, type: PTR, class: FLUSH, ttl: 120, data: 'Alice.local' },
        ],
      })
    const gaps = messages.slice(1).map(({ at }, i) => at - (messages[i]?.at ?? 0))
    expect(gaps).toEqual([250, 250, 250, 1000])
  })

  test('is one label; anything else is refused in a sentence', () => {
    for (const name of ['', 'a.b', '-a', 'a-', 'x'.repeat(64), 'ü', 'a b'])
      expect(() => new Correspondence({ name })).toThrow(
        `A host’s name is one label of 1 to 63 letters, digits and hyphens, with no hyphen at its ends; '${name}' is not.`,
      )
  })

  test('is given up for name-2 when somebody has it, and that for name-3; a long one is cut', () => {
    const d = new Correspondence({ address: '10.0.0.1/24', name: 'x'.repeat(63) })
    d.wait(600)
    expect(d.letters.length).toBeGreaterThan(0)
    for (const suffix of ['-2', '-3']) {
      d.letters.length = 0
      say(d, {
        flags: RESPONSE,
        answers: [
          a(suffix === '-2' ? `${'x'.repeat(63)}.local` : `${'x'.repeat(61)}-2.local`, [10, 0, 0, 9]),
        ],
      })
      d.wait(300)
      expect(readDns(d.next().data).questions[0]?.name).toBe(`${'x'.repeat(61)}${suffix}.local`)
    }
  })

  test('any record with the name is a conflict while it is probed for; before the first probe nothing is', () => {
    const d = alice().wait(350)
    d.letters.length = 0
    const record = { name: 'alice.local', type: 16, class: FLUSH, ttl: 120, data: [0] }
    const early = new Correspondence({ address: '10.0.0.1/24', name: 'Alice' })
    while (early.stack.address === 0) early.wait(1)
    say(early, { flags: RESPONSE, answers: [record] })
    early.wait(260)
    expect(readDns(early.next().data).questions[0]?.name).toBe('Alice.local')
    d.wait(200)
    d.letters.length = 0
    say(d, { flags: RESPONSE, answers: [record] })
    d.wait(260)
    expect(readDns(d.next().data).questions[0]?.name).toBe('Alice-2.local')
  })

  test('when two probe at once the greater address goes on, the lesser waits a second', () => {
    const probe = (data: number[]) => ({
      questions: [question('alice.local', ANY, FLUSH)],
      authorities: [a('alice.local', data, IN)],
    })
    const probing = () => {
      const d = alice()
      while (d.letters.length === 0) d.wait(1)
      d.letters.length = 0
      return d
    }
    const loser = probing()
    const at = loser.now
    say(loser, probe([10, 0, 0, 200]))
    loser.wait(1_100)
    expect(loser.next().at - at).toBe(1000)
    for (const data of [[9, 255, 255, 255], HOST]) {
      const winner = probing()
      const begun = winner.now
      say(winner, probe(data))
      winner.wait(260)
      expect(winner.next().at - begun).toBe(250)
    }
    const more = probing()
    say(more, {
      ...probe(HOST),
      authorities: [a('alice.local', HOST, IN), { name: 'alice.local', type: AAAA, data: HOST }],
    })
    more.wait(900).quiet()
  })

  test('that was ours is probed for again when somebody else says that it is theirs, and kept if they are silent', () => {
    const d = known()
    say(d, { flags: RESPONSE, answers: [a('alice.local', [10, 0, 0, 9])] })
    d.wait(5_000)
    const messages = d.letters.splice(0).map(({ data }) => readDns(data))
    expect(messages.map(({ flags, questions }) => [flags, questions[0]?.name])).toEqual([
      [0, 'Alice.local'],
      [0, 'Alice.local'],
      [0, 'Alice.local'],
      [RESPONSE, undefined],
      [RESPONSE, undefined],
    ])
    say(d, { flags: RESPONSE, answers: [a('alice.local', HOST), a('alice.local', [10, 0, 0, 9], FLUSH, 0)] })
    d.wait(5_000).quiet()
  })

  test('after fifteen conflicts in ten seconds each probe waits five', () => {
    const d = alice().wait(350)
    let name = 'alice.local'
    for (let i = 0; i < 14; i++) {
      while (d.letters.length === 0) d.wait(5)
      name = readDns(d.next().data).questions[0]?.name ?? ''
      d.letters.length = 0
      say(d, { flags: RESPONSE, answers: [a(name, [10, 0, 0, 9])] })
    }
    while (d.letters.length === 0) d.wait(5)
    name = readDns(d.next().data).questions[0]?.name ?? ''
    say(d, { flags: RESPONSE, answers: [a(name, [10, 0, 0, 9])] })
    d.letters.length = 0
    d.wait(4_900).quiet()
    d.wait(200)
    d.next()
  })

  test('is taken back when the host leaves', () => {
    const d = known()
    d.stack.leave()
    d.wait(0)
    expect(told(readDns(d.next().data).answers)).toEqual(['Alice.local 1 0', `${REVERSE} 12 0`])
    say(d, { questions: [question('alice.local', A)] })
    d.wait(5_000).quiet()
  })

  test('is announced again with another address, and not probed for', () => {
    const d = known()
    d.stack.setAddress(0x0a000005, 24, 0)
    d.wait(5_000)
    const messages = d.letters.splice(0).map(({ data }) => readDns(data))
    expect(messages.map(({ answers }) => answers.map(({ data }) => data))).toEqual([
      [[10, 0, 0, 5], 'Alice.local'],
      [[10, 0, 0, 5], 'Alice.local'],
    ])
  })
})

describe('being asked', () => {
  test('for the address, by all: all are told at once', () => {
    const d = known()
    const at = d.now
    expect(say(d, { questions: [question('ALICE.local', A)] })).toBe(Drop.None)
    const answer = d.next()
    expect([answer.at, answer.to, answer.toPort, answer.ttl]).toEqual([at, GROUP, 5353, 255])
    const { id, flags, questions, answers } = readDns(answer.data)
    expect({ id, flags, questions }).toEqual({ id: 0, flags: RESPONSE, questions: [] })
    expect(answers).toEqual([{ name: 'Alice.local', type: A, class: FLUSH, ttl: 120, data: HOST }])
  })

  test('for the name behind the address, for any record, and for what is not there', () => {
    const d = known()
    say(d, { questions: [question(REVERSE, PTR)] })
    expect(told(readDns(d.next().data).answers)).toEqual([`${REVERSE} 12 120`])
    d.wait(2_000)
    say(d, { questions: [question('alice.local', AAAA)] })
    const [none] = readDns(d.next().data).answers
    // RFC 6762, 6.1: the next name is the name itself, as a pointer; then the bitmap with A alone.
    expect(none).toMatchObject({ name: 'Alice.local', type: NSEC, data: [0xc0, 12, 0, 1, 0x40] })
    d.wait(2_000)
    say(d, { questions: [question('alice.local', ANY, ANY)] })
    expect(told(readDns(d.next().data).answers)).toEqual(['Alice.local 1 120'])
  })

  test('for others too: the answer waits 20 to 120 ms', () => {
    const delays = new Set<number>()
    const d = known()
    for (let i = 0; i < 30; i++) {
      d.wait(2_000)
      const at = d.now
      say(d, { questions: [question('alice.local', A), question('bob.local', A)] })
      d.wait(150)
      delays.add(d.next().at - at)
    }
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(20)
    expect(Math.max(...delays)).toBeLessThanOrEqual(120)
    expect(delays.size).toBeGreaterThan(10)
  })

  test('no record is told to all oftener than once a second, to a probe not within 250 ms', () => {
    const d = known()
    const at = d.now
    for (let i = 0; i < 20; i++) {
      say(d, { questions: [question('alice.local', A)] })
      d.wait(100)
    }
    expect(d.letters.splice(0).map(letter => letter.at - at)).toEqual([0, 1000, 2000])
    d.wait(2_000)
    const probe = {
      questions: [question('alice.local', ANY)],
      authorities: [a('alice.local', [10, 0, 0, 9], IN)],
    }
    say(d, probe)
    d.wait(100)
    const begun = d.now - 100
    say(d, probe)
    d.wait(900)
    expect(d.letters.splice(0).map(letter => letter.at - begun)).toEqual([0, 250])
  })

  test('what the asker knows is not said, unless it knows it for less than half of its life, or wrongly', () => {
    const d = known()
    const ask = (answer: ReturnType<typeof a>) => {
      say(d, { questions: [question('alice.local', A)], answers: [answer] })
      d.wait(2_000)
      return d.letters.splice(0).length
    }
    expect(ask(a('alice.local', HOST, IN, 60))).toBe(0)
    expect(ask(a('alice.local', HOST, IN, 59))).toBe(1)
    expect(ask(a('alice.local', [10, 0, 0, 9], IN, 120))).toBe(1)
    say(d, {
      questions: [question(REVERSE, PTR)],
      answers: [{ name: REVERSE, type: PTR, ttl: 120, data: 'alice.local' }],
    })
    d.wait(2_000).quiet()
  })

  test('with more known answers to come the answer waits 400 to 500 ms, and is not given if they name it', () => {
    const d = known()
    const at = d.now
    say(d, { flags: 0x0200, questions: [question('alice.local', A)] })
    d.wait(600)
    expect(d.next().at - at).toBeGreaterThanOrEqual(400)
    d.wait(1_000)
    say(d, { flags: 0x0200, questions: [question('alice.local', A)] })
    d.wait(100)
    say(d, { answers: [a('alice.local', HOST, IN)] })
    d.wait(2_000).quiet()
    say(d, { flags: 0x0200, questions: [question('alice.local', A)] })
    d.wait(100)
    say(d, { answers: [a('alice.local', HOST, IN)] }, '10.0.0.7')
    d.wait(1_000)
    d.next()
  })

  test('by one that would do with unicast: it alone is told, unless all have not been for half a minute', () => {
    const d = known()
    d.present.add(PEER)
    say(d, { questions: [question('alice.local', A, FLUSH)] })
    d.wait(1)
    expect(d.next().to).toBe(PEER)
    d.wait(40_000)
    say(d, { questions: [question('alice.local', A, FLUSH)] })
    d.wait(1)
    expect(d.next().to).toBe(GROUP)
  })

  test('by a plain resolver: id and question come back, nothing is flushed, it lives ten seconds', () => {
    const d = known()
    d.present.add(PEER)
    say(d, { id: 77, questions: [question('alice.local', A)] }, PEER, 40_000)
    d.wait(1)
    const answer = d.next()
    expect([answer.to, answer.toPort, answer.fromPort]).toEqual([PEER, 40_000, 5353])
    expect(readDns(answer.data)).toMatchObject({
      id: 77,
      questions: [{ name: 'alice.local', type: A }],
      answers: [{ name: 'alice.local', class: IN, ttl: 10 }],
    })
  })

  test('from another link, for another class, with another opcode: silence', () => {
    const d = known()
    expect(say(d, { questions: [question('alice.local', A)] }, '192.0.2.1')).toBe(Drop.ForeignMdns)
    expect(say(d, { flags: 0x2000, questions: [question('alice.local', A)] })).toBe(Drop.UnexpectedDns)
    expect(say(d, { flags: 3, questions: [question('alice.local', A)] })).toBe(Drop.UnexpectedDns)
    say(d, { questions: [question('alice.local', A, 3)] })
    expect(say(d, { flags: RESPONSE, answers: [] }, PEER, 5354)).toBe(Drop.ForeignMdns)
    d.wait(2_000).quiet()
  })
})

describe('a host with IPv6', () => {
  const FD01 = Uint8Array.from([0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9])
  const withIpv6 = () => {
    const d = new Correspondence({ address: '10.0.0.1/24', name: 'Alice' }).wait(20_000)
    d.letters.length = 0
    return d
  }
  const own = (d: Correspondence) => [...(d.stack.ipv6?.addresses ?? [])].map(({ address }) => [...address])
  const aaaa = (data: number[]) => ({ name: 'Alice.local', type: AAAA, class: FLUSH, ttl: 120, data })

  test('tells its IPv6 addresses with the other when it has got its name', () => {
    const d = new Correspondence({ address: '10.0.0.1/24', name: 'Alice' }).wait(10_000)
    const { answers } = readDns(d.letters.at(-1)?.data ?? new Uint8Array())
    expect(own(d)).toHaveLength(1)
    expect(answers.slice(0, 2)).toMatchObject([a('Alice.local', HOST), ...own(d).map(aaaa)])
  })

  test('tells them twice when it gets one more, and when it loses one', () => {
    const d = withIpv6()
    d.stack.addAddress6(FD01, 64)
    d.wait(5_000)
    const expected = own(d).map(aaaa)
    expect(expected).toHaveLength(2)
    for (const letter of [d.next(), d.next()])
      expect(readDns(letter.data).answers.slice(1, -1)).toMatchObject(expected)
    d.stack.removeAddress6(FD01)
    d.wait(5_000)
    for (const letter of [d.next(), d.next()])
      expect(readDns(letter.data).answers.slice(1, -1)).toMatchObject(own(d).map(aaaa))
    expect(d.letters).toEqual([])
  })

  test('answers for them, for any record, and says that there are no others', () => {
    const d = withIpv6()
    const answersTo = (type: number) => {
      say(d.wait(2_000), { questions: [question('alice.local', type)] })
      return readDns(d.next().data).answers
    }
    expect(answersTo(AAAA)).toMatchObject(own(d).map(aaaa))
    expect(answersTo(ANY)).toMatchObject([a('Alice.local', HOST), ...own(d).map(aaaa)])
    // Types 1 and 28.
    expect(answersTo(16)).toMatchObject([{ type: NSEC, data: [0xc0, 12, 0, 4, 0x40, 0, 0, 8] }])
  })

  test('does not tell the asker what it knows, and all when it knows but some', () => {
    const d = withIpv6()
    d.stack.addAddress6(FD01, 64)
    d.wait(5_000).letters.length = 0
    const known = own(d).map(aaaa)
    say(d, { questions: [question('alice.local', AAAA)], answers: known })
    expect(d.wait(2_000).letters).toEqual([])
    say(d, { questions: [question('alice.local', AAAA)], answers: known.slice(0, 1) })
    expect(readDns(d.next().data).answers).toMatchObject(known)
  })

  test('knows its own name’s addresses without asking', () => {
    const d = withIpv6()
    const socket = d.stack.resolve('alice.local', NameType.Aaaa) as Socket
    const into = new Uint8Array(64)
    expect(d.wait(0).stack.resolved(socket, into)).toBe(16)
    expect([...into.subarray(0, 16)]).toEqual(own(d)[0])
  })
})

describe('asking', () => {
  const ask = (d: Correspondence, name: string, type: NameType = NameType.A) =>
    d.stack.resolve(name, type) as Socket
  const got = (d: Correspondence, socket: Socket) => {
    const into = new Uint8Array(64)
    const length = d.stack.resolved(socket, into)
    return length < 0 ? length : [...into.subarray(0, length)]
  }

  test('goes to the link: at once, after one second and after three; then nobody has the name', () => {
    const d = known()
    const at = d.now
    const socket = ask(d, 'bob.local')
    d.wait(10_000)
    const asked = d.letters.splice(0)
    expect(asked.map(letter => [letter.at - at, letter.to])).toEqual([
      [0, GROUP],
      [1000, GROUP],
      [3000, GROUP],
    ])
    expect(asked.map(({ data }) => readDns(data).questions)).toEqual([
      [question('bob.local', A, FLUSH)],
      [question('bob.local', A)],
      [question('bob.local', A)],
    ])
    expect([d.take(socket), d.stack.error(socket)]).toEqual([Event.Closed, ENOENT])
  })

  test('an answer is kept for its time, and is brought up to date by what the link says', () => {
    const d = known()
    const socket = ask(d, 'bob.local')
    d.wait(5)
    say(d, { flags: RESPONSE, answers: [a('Bob.local', [10, 0, 0, 2])] })
    expect(got(d, socket)).toEqual([10, 0, 0, 2])
    d.letters.length = 0
    d.wait(5_000)
    say(d, { flags: RESPONSE, answers: [a('Bob.local', [10, 0, 0, 3]), a('Bob.local', [10, 0, 0, 4])] })
    expect(got(d, ask(d, 'bob.local'))).toEqual([10, 0, 0, 3, 10, 0, 0, 4])
    d.wait(100_000)
    say(d, { flags: RESPONSE, answers: [a('Bob.local', [10, 0, 0, 3])] })
    d.wait(100_000)
    expect(got(d, ask(d, 'bob.local'))).toEqual([10, 0, 0, 3])
    say(d, { flags: RESPONSE, answers: [a('Bob.local', [10, 0, 0, 3], FLUSH, 0)] })
    d.wait(1_500)
    expect(got(d, ask(d, 'bob.local'))).toBe(EAGAIN)
  })

  test('what nobody asked for is not kept, and the link has no say in the names of others', () => {
    const d = known()
    say(d, { flags: RESPONSE, answers: [a('bob.local', [10, 0, 0, 2])] })
    const socket = ask(d, 'bob.local')
    expect(got(d, socket)).toBe(EAGAIN)
    d.wait(5)
    say(d, { flags: RESPONSE, answers: [a('www.example.com', [6, 6, 6, 6])] })
    expect(got(d, socket)).toBe(EAGAIN)
  })

  test('unicast answers are taken while a question is out, and not else', () => {
    const d = known()
    const answer = { flags: RESPONSE, answers: [a('bob.local', [10, 0, 0, 2])] }
    expect(say(d, answer, PEER, 5353, '10.0.0.1')).toBe(Drop.UnexpectedDns)
    const socket = ask(d, 'bob.local')
    expect(say(d, answer, PEER, 5353, '10.0.0.1')).toBe(Drop.None)
    expect(got(d, socket)).toEqual([10, 0, 0, 2])
  })

  test('a name without such an address says so', () => {
    const d = known()
    const socket = ask(d, 'bob.local', NameType.Aaaa)
    const nsec = { name: 'bob.local', type: NSEC, class: FLUSH, ttl: 120, data: [0xc0, 12, 0, 1, 0x40] }
    say(d, { flags: RESPONSE, answers: [nsec] })
    expect(d.stack.error(socket)).toBe(ENODATA)
  })

  test('the name of a link-local address is asked of the link, that of another is not', () => {
    const d = known()
    d.stack.resolve('169.254.7.9', NameType.Ptr)
    d.wait(1)
    expect([d.letters[0]?.to, readDns(d.next().data).questions[0]?.name]).toEqual([
      GROUP,
      '9.7.254.169.in-addr.arpa',
    ])
    for (const name of ['10.0.0.9', '1.1.254.169.in-addr.arpa.com', 'xlocal', 'a.xlocal', 'local'])
      expect([name, d.stack.resolve(name, NameType.Ptr)]).toEqual([name, ENETUNREACH])
  })

  test('our own name is answered without a word', () => {
    const d = known()
    expect(got(d, ask(d, 'alice.LOCAL'))).toEqual(HOST)
    expect(d.stack.error(ask(d, 'alice.local', NameType.Aaaa))).toBe(ENODATA)
    d.wait(100).quiet()
  })

  test('no program has port 5353 where mDNS is in use; where a program has it, names of the link are not asked for', () => {
    const other = new Correspondence({ address: '10.0.0.1/24' }).wait(5_000)
    const program = other.stack.socket(Protocol.Udp) as Socket
    expect(other.stack.bind(program, 0, 5353)).toBe(0)
    expect(other.stack.error(ask(other, 'bob.local'))).toBe(ENOBUFS)
    other.stack.close(program)
    expect(got(other, ask(other, 'bob.local'))).toBe(EAGAIN)
    other.stack.leave()
    expect(other.stack.bind(other.stack.socket(Protocol.Udp) as Socket, 0, 5353)).toBe(0)
    const d = known()
    expect(d.stack.bind(d.stack.socket(Protocol.Udp) as Socket, 0, 5353)).toBe(EADDRINUSE)
  })
})

const addressOf = (sim: Simulation, asker: SimulatedHost, name: string): string => {
  const socket = asker.stack.resolve(name, NameType.A) as Socket
  sim.run(6_000)
  const into = new Uint8Array(4)
  const length = asker.stack.resolved(socket, into)
  asker.stack.close(socket)
  return length === 4 ? [...into].join('.') : 'nobody'
}

describe('a segment', () => {
  test('of hosts with the same name: each gets one of its own, and is found under it', () => {
    const sim = new Simulation()
    const hosts = Array.from({ length: 4 }, () => sim.add('twin', { name: 'twin' }))
    const asker = sim.add('asker', { name: 'asker' })
    sim.run(60_000)
    const names = ['twin', 'twin-2', 'twin-3', 'twin-4'].map(name => addressOf(sim, asker, `${name}.local`))
    expect(names.sort()).toEqual(hosts.map(({ stack }) => formatIpv4(stack.address)).sort())
    expect(addressOf(sim, asker, 'twin-5.local')).toBe('nobody')
  })

  test('of link-local hosts: a name leads to an address, and the address back to the name', () => {
    const sim = new Simulation()
    const [alice, bob] = ['alice', 'bob'].map(name => sim.add(name, { name, address: 'dhcp' })) as [
      SimulatedHost,
      SimulatedHost,
    ]
    sim.run(30_000)
    expect(addressOf(sim, alice, 'bob.local')).toBe(formatIpv4(bob.stack.address))
  })

  test('two that had the same name on two segments sort it out when those are joined', () => {
    const sim = new Simulation()
    sim.fault = frame => (frame.at < 20_000 ? 'lose' : 0)
    const twins = [sim.add('a', { name: 'twin' }), sim.add('b', { name: 'twin' })]
    const asker = sim.add('asker')
    sim.run(21_000)
    for (const { stack } of twins) stack.linkUp(sim.now)
    sim.run(20_000)
    const found = ['twin.local', 'twin-2.local'].map(name => addressOf(sim, asker, name))
    expect(found.sort()).toEqual(['10.0.0.1', '10.0.0.2'])
  })
})

test('bits flipped, ends cut off, and junk: nothing throws, memory and talk stay within their bounds', () => {
  const d = known()
  const random = seededRandom(5)
  const used = d.stack.memory.used
  const begun = d.now
  for (let turn = 0; turn < 4_000; turn++) {
    if (turn % 50 === 0) d.stack.close(ask(d, 'bob.local'))
    const bytes = dnsBytes(
      {
        flags: turn % 2 === 0 ? 0 : RESPONSE,
        questions: [
          question('alice.local', [A, ANY, AAAA][random() % 3] ?? A, random() % 2 === 0 ? IN : FLUSH),
          question('bob.local', A),
        ],
        answers: [a('bob.local', [10, 0, 0, 2]), { name: REVERSE, type: PTR, data: 'alice.local' }],
        authorities: random() % 2 === 0 ? [a('alice.local', [10, 0, 0, 9])] : [],
        additionals: [{ name: 'bob.local', type: NSEC, data: [0xc0, 12, 0, 1, 0x40] }],
      },
      true,
    )
    for (let flips = random() % 6; flips > 0; flips--) bytes[random() % bytes.length] = random() & 255
    const cut = random() % 4 === 0 ? bytes.slice(0, random() % bytes.length) : bytes
    d.say(PEER, random() % 5 === 0 ? 1234 : 5353, random() % 5 === 0 ? '10.0.0.1' : GROUP, 5353, cut)
    if (turn % 10 === 0) d.wait(random() % 400)
  }
  const seconds = (d.now - begun) / 1000
  expect(d.letters.filter(({ to }) => to === GROUP).length).toBeLessThan(seconds * 8 + 20)
  d.wait(100_000_000)
  expect(d.stack.memory.used).toBeLessThanOrEqual(used)
})

function ask(d: Correspondence, name: string): Socket {
  return d.stack.resolve(name, NameType.A) as Socket
}
