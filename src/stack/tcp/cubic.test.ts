import { describe, expect, test } from 'vitest'
import { ENOPROTOOPT } from '../errno.ts'
import { Arena } from '../memory/arena.ts'
import { createStack as createClient } from '../profiles/client.ts'
import { addressOf } from '../socket/socket.ts'
import { Option } from '../stack.ts'
import { type Dialogue, established } from '../testing/dialogue.ts'
import { cubeRoot, cubicWindow, timeToReturn } from './cubic.ts'
import { flightOf, W_MAX } from './flight.ts'
import type { Tcb } from './tcb.ts'

describe('the cubic curve, RFC 9438, 4.2', () => {
  test('the integer cube root is exact', () => {
    for (const n of [0, 1, 7, 8, 9, 26, 27, 999_999, 1_000_000, 2 ** 45 - 1, 131_071 ** 3, 131_071 ** 3 - 1])
      expect(cubeRoot(n)).toBe(exactRoot(n))
  })

  test('K is the cube root of what is to be regained, over C, in seconds', () => {
    // 100 segments, beta 0.7: cbrt (30 / 0.4) = 4.217 s; 10 segments: cbrt (3 / 0.4) = 1.957 s.
    expect(timeToReturn(100_000, 70_000, 1000)).toBe(4217)
    expect(timeToReturn(14_600, 10_220, 1460)).toBe(1957)
    expect(timeToReturn(10_000, 10_000, 1000)).toBe(0)
  })

  test('the curve begins at the window of the epoch, and is W_max at K', () => {
    const k = timeToReturn(100_000, 70_000, 1000)
    expect(Math.abs(cubicWindow(0, k, 100_000, 1000) - 70_000)).toBeLessThan(20)
    expect(cubicWindow(k, k, 100_000, 1000)).toBe(100_000)
  })

  test('it is C * (t - K)^3 on both sides of K, to a thousandth of a segment', () => {
    for (const ms of [0, 500, 1000, 4000, 4217, 5000, 10_000, 40_000]) {
      const expected = 100_000 + 1000 * 0.4 * ((ms - 4217) / 1000) ** 3
      expect(Math.abs(cubicWindow(ms, 4217, 100_000, 1000) - expected)).toBeLessThanOrEqual(2)
    }
  })
})

/** The largest r with r^3 <= n, by bisection on big integers. */
function exactRoot(n: number): number {
  let [low, high] = [0n, 1n << 18n]
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (middle ** 3n <= BigInt(n)) low = middle
    else high = middle
  }
  return Number(low)
}

/** A peer that acknowledges all that is in flight once a round trip, segment by segment; the windows after each. */
function acknowledged(d: Dialogue, rounds: number, rtt: number): number[] {
  return Array.from({ length: rounds }, () => {
    d.send(61_000)
    d.skip()
    const { iss, sndUna, sndNxt } = d.connection
    d.wait(rtt)
    for (let at = (sndUna - iss) >>> 0; at < (sndNxt - iss) >>> 0; at += 1000)
      d.in(`ACK 1:1 ack ${at + 1000} win 60000`)
    d.skip()
    return d.connection.cwnd
  })
}

/** RFC 9438, 4.2-4.5, as it stands there: windows in segments, times in seconds, ACKs of one segment each. */
function model(max: number, begun: number, rounds: number, rtt: number): number[] {
  const k = Math.cbrt((max - begun) / 0.4)
  const curve = (t: number) => 0.4 * (t - k) ** 3 + max
  let cwnd = begun
  let est = begun
  return Array.from({ length: rounds }, (_, i) => {
    const t = (i + 1) * rtt
    for (let acks = Math.floor(Math.min(cwnd, 60)); acks > 0; acks--) {
      est += (est >= max ? 1 : 9 / 17) / cwnd
      const target = Math.max(cwnd, Math.min(curve(t + rtt), 1.5 * cwnd))
      cwnd = curve(t) < est ? Math.max(cwnd, est) : cwnd + (target - cwnd) / cwnd
    }
    return cwnd
  })
}

/** W_max as it stands in the arena. */
const maxOf = (d: Dialogue): number => {
  const m = new Arena(d.stack.arena)
  return m.get32(flightOf(m, addressOf(d.socket) as Tcb) + W_MAX)
}

const lose = (d: Dialogue) => {
  const una = (d.connection.sndUna - d.connection.iss) >>> 0
  d.send(61_000)
  const { sndNxt, iss } = d.connection
  for (let i = 0; i < 3; i++) d.in(`ACK 1:1 ack ${una} win 60000`)
  d.in(`ACK 1:1 ack ${(sndNxt - iss) >>> 0} win 60000`)
  d.skip()
}

describe('CUBIC on a connection', () => {
  const start = (profile?: typeof createClient) => {
    const d = established({ memory: 4 << 20 }, 60_000, 1000, profile)
    // The round trip grows slowly, so that none is longer than the timer.
    for (const rtt of [60, 120, 180, 240, 300, 360]) acknowledged(d, 4, rtt)
    acknowledged(d, 30, 400)
    return d
  }

  test('a loss takes three tenths of what is in flight', () => {
    const d = start()
    d.send(61_000)
    const flight = Math.min(d.connection.sndNxt - d.connection.sndUna, d.connection.cwnd)
    lose(d)
    expect(d.connection.ssthresh).toBe(Math.floor((flight * 7) / 10))
  })

  test('after it the window goes as RFC 9438 has it, in real numbers, past W_max', () => {
    const d = start()
    lose(d)
    const max = maxOf(d)
    // The full ACK of NewReno leaves two segments: slow start first.
    while (d.connection.cwnd < d.connection.ssthresh) acknowledged(d, 1, 400)
    const windows = acknowledged(d, 10, 400)
    const expected = model(max / 1000, d.connection.ssthresh / 1000, 10, 0.4)
    for (const [i, cwnd] of windows.entries())
      expect(Math.abs(cwnd - (expected[i] ?? 0) * 1000)).toBeLessThan(1000)
    expect(windows.at(-1)).toBeGreaterThan(max * 0.95)
  })

  test('fast convergence: who loses again below W_max aims lower', () => {
    const d = start()
    lose(d)
    const first = maxOf(d)
    acknowledged(d, 2, 400)
    const { cwnd } = d.connection
    expect(cwnd).toBeLessThan(first)
    lose(d)
    expect(maxOf(d)).toBe(Math.floor(cwnd * 0.85))
  })

  test('behind a timeout it begins at W_max', () => {
    const d = start()
    d.send(61_000)
    d.wait(d.connection.rto)
    d.skip()
    expect(maxOf(d)).toBe(0)
    const { sndNxt, iss } = d.connection
    expect(d.connection.ssthresh).toBeGreaterThan(2000)
    d.in(`ACK 1:1 ack ${(sndNxt - iss) >>> 0} win 60000`)
    d.skip()
  })

  test('short round trips: it keeps up with Reno', () => {
    const d = established({ memory: 4 << 20 }, 60_000, 1000)
    acknowledged(d, 2, 20)
    lose(d)
    while (d.connection.cwnd < d.connection.ssthresh) acknowledged(d, 1, 20)
    const before = d.connection.cwnd
    const windows = acknowledged(d, 34, 20)
    // In 0.7 s the curve makes 6 segments. Reno's part is 9/17 of one a round trip up to W_max, and one behind it.
    expect(windows.at(-1)).toBeGreaterThan(before + 14_000)
    expect(windows.at(-1)).toBeLessThan(before + 26_000)
  })

  test('NewReno can be chosen, where CUBIC is', () => {
    const d = start()
    expect(d.stack.setOption(d.socket, Option.Congestion, 0)).toBe(0)
    d.send(61_000)
    const flight = Math.min(d.connection.sndNxt - d.connection.sndUna, d.connection.cwnd)
    lose(d)
    expect(d.connection.ssthresh).toBe(flight >> 1)
    const client = established({}, 8192, 1000, createClient)
    expect(client.stack.setOption(client.socket, Option.Congestion, 0)).toBe(ENOPROTOOPT)
  })
})
