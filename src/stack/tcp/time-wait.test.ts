import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EADDRINUSE } from '../errno.ts'
import { Option } from '../stack.ts'
import { Dialogue, PEER } from '../testing/dialogue.ts'
import { u32 } from '../testing/raw.ts'

const stamp = (tsval: number, tsecr = 0): number[] => [1, 1, 8, 10, ...u32(tsval), ...u32(tsecr)]

/** A connection that the host closed first; its peer's FIN has the number 1. The listener is still there. */
function waiting(stamped: boolean, text = 0): Dialogue {
  const options = (value: number) => (stamped ? { options: stamp(value) } : {})
  const d = new Dialogue()
  const listener = d.listen()
  d.in('SYN 0:0', options(1000))
  d.out('SYN,ACK 0:0 ack 1')
  d.in('ACK 1:1 ack 1', options(1000))
  d.accept(listener)
  d.stack.setOption(d.socket, Option.NoDelay, 1)
  for (let at = 1; at <= text; at += 4_000) {
    expect(d.send(4_000)).toBe(4_000)
    d.in(`ACK 1:1 ack ${at + 4_000}`)
    d.skip()
  }
  d.shutdown().out(`FIN,ACK ${text + 1}:${text + 1} ack 1`)
  d.in(`FIN,ACK 1:1 ack ${text + 2}`, options(1000))
  d.out(`ACK ${text + 2}:${text + 2} ack 2`).quiet()
  expect(d.state).toBe('TIME-WAIT')
  return d
}

describe('a reset in TIME-WAIT', () => {
  test('is ignored even with the right number (RFC 1337, F1)', () => {
    const d = waiting(false)
    expect(d.in('RST 2:2')).toBe(Drop.BadReset)
    d.quiet()
    expect(d.state).toBe('TIME-WAIT')
  })
})

describe('a SYN in TIME-WAIT (RFC 6191, 2)', () => {
  const cases: [name: string, old: boolean, syn: string, tsval: number | undefined, taken: boolean][] = [
    [
      'with a later timestamp begins a new connection, whatever its number',
      true,
      'SYN -500:-500',
      1001,
      true,
    ],
    ['with the same timestamp and a later number does', true, 'SYN 2:2', 1000, true],
    ['with the same timestamp and an old number does not', true, 'SYN 1:1', 1000, false],
    ['with an older timestamp does not', true, 'SYN 500:500', 999, false],
    ['without a timestamp, where there were some, needs a later number', true, 'SYN 2:2', undefined, true],
    ['with a timestamp, where there were none, begins one', false, 'SYN -500:-500', 1, true],
    ['without any timestamps needs a later number', false, 'SYN 2:2', undefined, true],
    ['without any timestamps and an old number does not', false, 'SYN 1:1', undefined, false],
  ]
  test.each(cases)('%s', (_name, old, syn, tsval, taken) => {
    const d = waiting(old)
    const drop = d.in(syn, tsval === undefined ? {} : { options: stamp(tsval) })
    expect(drop === Drop.None).toBe(taken)
    expect(d.state).toBe(taken ? 'CLOSED' : 'TIME-WAIT')
    d.skip()
  })

  test('does not end it where nobody listens any more', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1')
    d.out('ACK 1:1 ack 1')
    d.shutdown().out('FIN,ACK 1:1 ack 1')
    d.in('FIN,ACK 1:1 ack 2')
    d.out('ACK 2:2 ack 2')
    expect(d.in('SYN 100:100')).toBe(Drop.NoPort)
    d.skip()
    expect(d.state).toBe('TIME-WAIT')
  })
})

test('the new connection’s numbers lie beyond those of one that was faster than the clock of the ISS', () => {
  const d = waiting(false, 48_000)
  const last = d.connection.sndNxt
  d.wait(1).in('SYN 2:2')
  const { heard } = d as unknown as { heard: { segment: { seq: number } }[] }
  const ahead = ((heard.at(-1)?.segment.seq ?? 0) - last) | 0
  expect(ahead).toBeGreaterThan(0)
  d.skip()
})

describe('a connection of our own between ports in TIME-WAIT', () => {
  /** Closed by us, its handle given back; the port that it had. */
  function done(stamped: boolean): { d: Dialogue; port: number } {
    const options = stamped ? { options: stamp(7) } : {}
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1', options)
    d.out('ACK 1:1 ack 1')
    const port = d.connection.localPort
    d.close().out('FIN,ACK 1:1 ack 1')
    d.in('FIN,ACK 1:1 ack 2', options)
    d.out('ACK 2:2 ack 2')
    return { d, port }
  }
  const again = (d: Dialogue, port: number): number => {
    const socket = d.open()
    expect(d.stack.bind(socket, 0, port)).toBe(0)
    return d.stack.connect(socket, PEER, 80)
  }

  test('takes their place after a second, where timestamps tell old from new', () => {
    const { d, port } = done(true)
    d.wait(999)
    expect(again(d, port)).toBe(EADDRINUSE)
    d.wait(1)
    expect(again(d, port)).toBe(0)
    d.wait(0).out('SYN 0:0')
  })

  test('waits for its end where there are none', () => {
    const { d, port } = done(false)
    d.wait(30_000)
    expect(again(d, port)).toBe(EADDRINUSE)
    d.wait(30_001)
    expect(again(d, port)).toBe(0)
    d.wait(0).skip()
  })
})
