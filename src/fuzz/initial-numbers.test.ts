/** Initial sequence numbers, RFC 6528: who sees those of his own connections learns nothing of another's. */
import { expect, test } from 'vitest'
import { createStack } from '../stack/profiles/full.ts'
import { Protocol, type Socket, type Stack } from '../stack/stack.ts'
import { ethernet, HOST_IP, HOST_MAC, PEER_IP, PEER_MAC } from '../stack/testing/raw.ts'
import { environment } from '../stack/testing/simulation.ts'

/** A host that opens connections to a neighbour who never answers, and the numbers of its SYNs. */
class Opener {
  readonly stack: Stack
  now = 0
  #opened = 0
  #claimedAt = -1

  constructor(seed: number) {
    this.stack = createStack(
      { memory: 262_144, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24', ipv6: false },
      environment(seed),
    )
    this.pass(15_000)
  }

  pass(ms: number): void {
    const until = this.now + ms
    while (this.stack.pollAt() <= until) {
      this.now = Math.max(this.now, this.stack.pollAt())
      this.stack.poll(this.now)
      this.stack.output(() => true)
    }
    this.now = until
    this.stack.poll(until)
  }

  /** The number of a new connection to this port, now; from `from`, or whatever port the host takes. */
  open(port: number, from?: number): number {
    const { stack } = this
    // Whom nobody has heard from for a while is asked for anew.
    if (this.#opened++ % 20 === 0 || this.#claimedAt !== this.now) {
      this.#claimedAt = this.now
      const claim = [0, 1, 8, 0, 6, 4, 0, 2, ...PEER_MAC, ...PEER_IP, ...HOST_MAC, ...HOST_IP]
      stack.input(ethernet(HOST_MAC, PEER_MAC, 0x0806, claim), this.now)
    }
    const socket = stack.socket(Protocol.Tcp) as Socket
    if (from !== undefined) stack.bind(socket, 0, from)
    stack.connect(socket, 0x0a000002, port)
    let found: number | undefined
    stack.output(bytes => {
      // IPv4 without options, TCP.
      if (bytes[23] === 6) found = new DataView(bytes.buffer, bytes.byteOffset).getUint32(38)
      return true
    })
    stack.abort(socket)
    stack.events(() => {})
    stack.output(() => true)
    if (found === undefined) throw new Error('no SYN was sent')
    return found
  }
}

/** How far the numbers of 0 … 255 are from being equally frequent: 255 degrees of freedom, 341 is exceeded once in 5,000 times. */
function chiSquare(bytes: readonly number[]): number {
  const bins = new Array<number>(256).fill(0)
  for (const byte of bytes) bins[byte] = (bins[byte] ?? 0) + 1
  const expected = bytes.length / 256
  return bins.reduce((sum, bin) => sum + (bin - expected) ** 2 / expected, 0)
}
const BY_CHANCE = 341

test('of 100,000 connections at one moment are spread evenly, and so are the differences of neighbours', {
  timeout: 600_000,
}, () => {
  const opener = new Opener(5)
  const found = Array.from({ length: 100_000 }, (_, i) => opener.open(1 + (i % 60_000)))
  const differences = found.slice(1).map((value, i) => (value - (found[i] ?? 0)) >>> 0)
  for (const shift of [0, 8, 16, 24]) {
    expect(chiSquare(found.map(value => (value >>> shift) & 255))).toBeLessThan(BY_CHANCE)
    expect(chiSquare(differences.map(value => (value >>> shift) & 255))).toBeLessThan(BY_CHANCE)
  }
  // So many numbers of 2^32, drawn by chance, meet about once: n^2 / 2^33.
  expect(new Set(found).size).toBeGreaterThan(found.length - 8)
})

test('of one pair of ends go forward with the clock of 4 µs, through all of their 32 bits', () => {
  const opener = new Opener(6)
  const began = opener.now
  const first = opener.open(80, 5_000)
  // RFC 6528, 3: M runs through once in 4.77 hours.
  for (let n = 0; n < 500; n++) {
    opener.pass(1 + ((n * 7_919) % 100_000))
    const ticks = (opener.now - began) * 250
    expect((opener.open(80, 5_000) - first) >>> 0).toBe(ticks % 2 ** 32)
  }
  expect((opener.now - began) * 250).toBeGreaterThan(2 ** 32)
})

test('of two hosts with other secrets have nothing to do with each other, to the same ends at the same time', () => {
  const [one, other] = [new Opener(7), new Opener(8)]
  const differences = Array.from({ length: 20_000 }, (_, i) => {
    const port = 1 + i
    return (one.open(port, 5_000) - other.open(port, 5_000)) >>> 0
  })
  for (const shift of [0, 8, 16, 24])
    expect(chiSquare(differences.map(value => (value >>> shift) & 255))).toBeLessThan(BY_CHANCE)
})
