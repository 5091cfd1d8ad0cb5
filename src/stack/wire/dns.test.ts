import { describe, expect, test } from 'vitest'
import { type DnsRecord, dnsBytes, flatName, readDns } from '../testing/raw-dns.ts'
import { seededRandom } from '../testing/simulation.ts'
import * as dns from './dns.ts'

const viewOf = (bytes: ArrayLike<number>): DataView => new DataView(Uint8Array.from(bytes).buffer)

function read(bytes: readonly number[], at: number): string | number {
  const into = new Uint8Array(300).fill(0xee)
  const length = dns.readName(viewOf(bytes), 0, at, bytes.length, into, 0)
  expect(into.subarray(255).every(byte => byte === 0xee)).toBe(true)
  return length < 0 ? length : [...into.subarray(0, length)].join(' ')
}

const header = Array.from({ length: 12 }, () => 0)
const A = [10, 0, 0, 9]

/** Any message: names that share their ends, records of all kinds. */
function anyMessage(random: () => number) {
  const below = (n: number): number => random() % n
  const label = (): string => 'abCdefgh-x9'.slice(below(5), 6 + below(6))
  const endings = ['local', 'example.com', 'in-addr.arpa', label()]
  const name = (): string => [label(), label(), endings[below(4)]].slice(below(3)).join('.')
  const records = (n: number): DnsRecord[] =>
    Array.from({ length: n }, () =>
      below(2) === 0
        ? { name: name(), type: 1, ttl: random(), data: A }
        : { name: name(), type: [5, 12][below(2)] ?? 5, ttl: random(), data: name() },
    )
  return {
    id: below(65536),
    flags: below(65536),
    questions: Array.from({ length: below(3) }, () => ({
      name: name(),
      type: below(256),
      class: below(65536),
    })),
    answers: records(below(4)),
    authorities: records(below(2)),
    additionals: records(below(3)),
  }
}

describe('beside a naive codec', () => {
  test('what it writes, compressed or not, is read the same, name by name', () => {
    const random = seededRandom(7)
    for (let turn = 0; turn < 500; turn++) {
      const message = anyMessage(random)
      for (const compress of [false, true]) {
        const bytes = dnsBytes(message, compress)
        const view = viewOf(bytes)
        expect(dns.dnsIsValid(view, 0, bytes.length)).toBe(true)
        let at = dns.recordsAt(view, 0, bytes.length)
        for (const record of [...message.answers, ...message.authorities, ...message.additionals]) {
          expect(read(bytes, at)).toBe(flatName(record.name).join(' '))
          const flat = Uint8Array.from(flatName(record.name.toUpperCase()))
          expect(dns.nameIs(view, 0, at, bytes.length, flat, 0)).toBe(true)
          const fields = dns.skipName(view, at, bytes.length)
          if (typeof record.data === 'string')
            expect(read(bytes, fields + dns.RECORD_DATA)).toBe(flatName(record.data).join(' '))
          at = dns.skipRecord(view, at, bytes.length)
        }
        expect(at).toBe(bytes.length)
      }
    }
  })

  test('what we write is read by it as it was meant, and is no longer than what it compresses', () => {
    const random = seededRandom(8)
    for (let turn = 0; turn < 500; turn++) {
      const message = anyMessage(random)
      const into = new Uint8Array(4096)
      const view = new DataView(into.buffer)
      dns.putDnsHeader(view, 0, message.id, message.flags)
      let end = dns.DNS_HEADER
      const flat = (name: string): Uint8Array => Uint8Array.from(flatName(name))
      for (const q of message.questions) end = dns.putQuestion(view, 0, end, flat(q.name), 0, q.type, q.class)
      const sections = [
        [dns.DNS_ANSWERS, message.answers],
        [dns.DNS_AUTHORITIES, message.authorities],
        [dns.DNS_ADDITIONALS, message.additionals],
      ] as const
      for (const [section, records] of sections)
        for (const { name, type, ttl = 0, data } of records) {
          const from = dns.beginRecord(view, 0, end, flat(name), 0, type, 1, ttl)
          if (typeof data === 'string') end = dns.putName(view, 0, from, flat(data), 0)
          else {
            into.set(data, from)
            end = from + data.length
          }
          dns.endRecord(view, 0, section, from, end)
        }
      const withClass = (records: readonly DnsRecord[]) => records.map(record => ({ ...record, class: 1 }))
      expect(readDns(into.subarray(0, end))).toEqual({
        ...message,
        answers: withClass(message.answers),
        authorities: withClass(message.authorities),
        additionals: withClass(message.additionals),
      })
      expect(end).toBeLessThanOrEqual(dnsBytes(message).length)
    }
  })
})

describe('names that are none', () => {
  test('a pointer to itself, forward, into the header, or round in a circle leads nowhere', () => {
    expect(read([...header, 0xc0, 12], 12)).toBe(-1)
    expect(read([...header, 0xc0, 14, 0], 12)).toBe(-1)
    expect(read([...header, 0xc0, 2], 12)).toBe(-1)
    expect(read([...header, 1, 97, 0xc0, 12], 12)).toBe(-1)
    expect(read([...header, 0xc0, 14, 0xc0, 12], 14)).toBe(-1)
  })

  test('a label that is longer than the message, a pointer cut in two, a reserved kind', () => {
    expect(read([...header, 5, 97], 12)).toBe(-1)
    expect(read([...header, 0xc0], 12)).toBe(-1)
    expect(read([...header, 0x40, 0], 12)).toBe(-1)
    expect(read([...header, 0x80, 0], 12)).toBe(-1)
    expect(read([...header, 1, 97], 12)).toBe(-1)
  })

  test('255 bytes are a name, 256 are not, however they come together', () => {
    const label = (n: number): number[] => [n, ...Array.from({ length: n }, () => 120)]
    const most = [...label(63), ...label(63), ...label(63), ...label(61), 0]
    expect(most.length).toBe(255)
    expect(read([...header, ...most], 12)).toBe(most.join(' '))
    expect(read([...header, ...label(63), ...label(63), ...label(63), ...label(62), 0], 12)).toBe(-1)
    expect(read([...header, ...most, 1, 97, 0xc0, 12], 12 + 255)).toBe(-1)
  })

  test('32 pointers one behind the other lead to a name; more are a trap', () => {
    const chain = [...header, 0]
    for (let i = 0; i < 100; i++) chain.push(0xc0, i === 0 ? 12 : 11 + 2 * i)
    expect(read(chain, 13 + 31 * 2)).toBe('0')
    expect(read(chain, 13 + 32 * 2)).toBe(-1)
    const root = Uint8Array.of(0)
    expect(dns.nameIs(viewOf(chain), 0, 13 + 31 * 2, chain.length, root, 0)).toBe(true)
    expect(dns.nameIs(viewOf(chain), 0, 13 + 32 * 2, chain.length, root, 0)).toBe(false)
  })
})

test('junk is told from messages without an exception, and never read beyond its end', () => {
  const random = seededRandom(9)
  for (let turn = 0; turn < 20_000; turn++) {
    const bytes =
      turn % 2 === 0
        ? dnsBytes(anyMessage(random), true)
        : Array.from({ length: random() % 80 }, () => random() & 255)
    for (let flips = random() % 4; flips > 0; flips--) bytes[random() % bytes.length] = random() & 255
    const cut = bytes.slice(0, random() % (bytes.length + 1))
    // A view of these bytes alone: reading beyond would throw.
    const view = viewOf(cut)
    const valid = dns.dnsIsValid(view, 0, cut.length)
    if (!valid) continue
    let at = dns.recordsAt(view, 0, cut.length)
    for (; at !== -1 && at < cut.length; at = dns.skipRecord(view, at, cut.length)) {
      read(cut, at)
      dns.nameIs(view, 0, at, cut.length, Uint8Array.from(flatName('a.local')), 0)
    }
  }
})
