/**
 * What is measured of the stack: bytes, round trips and connections a second between two full hosts in one process, MTU
 * 1500, checksums computed on both sides; what a packet costs the heap, what a connection costs the arena.
 */
import { createHash } from 'node:crypto'
import type { Socket } from '../stack/stack.ts'
import { connect, listen, makePair, type Pair, sure } from './pair.ts'

const MIB = 1024 * 1024
/** What one call of `send` is given, and one of `recv` may fill. */
const CHUNK = 65_536

/** Seconds that the stack took, and the frames that crossed. Hashing is outside the clock. */
interface Run {
  readonly seconds: number
  readonly frames: number
}

/** Sends `bytes` from near to far, in chunks that differ from each other, and compares the hashes of both ends. */
export function transfer(pair: Pair, near: Socket, far: Socket, bytes: number): Run {
  const sent = createHash('sha256')
  const received = createHash('sha256')
  const chunk = Uint8Array.from({ length: CHUNK }, (_, i) => (i * 7919) >> 5)
  const into = new Uint8Array(CHUNK)
  const frames = pair.frames
  let rest: Uint8Array = chunk.subarray(0, 0)
  let given = 0
  let taken = 0
  let ns = 0n
  while (taken < bytes) {
    if (rest.length === 0 && given < bytes) {
      new DataView(chunk.buffer).setUint32(given % (CHUNK - 4), given)
      rest = chunk.subarray(0, Math.min(CHUNK, bytes - given))
      given += rest.length
      sent.update(rest)
    }
    const start = process.hrtime.bigint()
    const accepted = rest.length === 0 ? 0 : pair.near.send(near, rest)
    pair.nearOut()
    const got = pair.far.recv(far, into)
    pair.farOut()
    pair.now += 0.01
    ns += process.hrtime.bigint() - start
    if (accepted > 0) rest = rest.subarray(accepted)
    if (got > 0) {
      received.update(into.subarray(0, got))
      taken += got
    } else {
      // Nothing moves without a timer: the delayed ACK that Nagle's algorithm waits for at the end.
      pair.poll(1)
    }
  }
  if (sent.digest('hex') !== received.digest('hex'))
    throw new Error('The bytes that arrived are not those that were sent.')
  return { seconds: Number(ns) / 1e9, frames: pair.frames - frames }
}

export interface Throughput {
  readonly throughputMBps: number[]
  readonly heapBytesPerPacket: number[]
  readonly nsPerPacket: number[]
}

/** Samples of `mebibytes` each, the first one thrown away: it is the compiler's. */
export function throughput(samples: number, mebibytes: number, largestFrame?: number): Throughput {
  const pair = makePair(2 * MIB, largestFrame)
  const { near, far } = sureConnection(pair)
  transfer(pair, near, far, mebibytes * MIB)
  const result: Throughput = { throughputMBps: [], heapBytesPerPacket: [], nsPerPacket: [] }
  for (let i = 0; i < samples; i++) {
    const { seconds, frames } = transfer(pair, near, far, mebibytes * MIB)
    result.throughputMBps.push((mebibytes * MIB) / 1e6 / seconds)
    result.nsPerPacket.push((seconds * 1e9) / frames)
    result.heapBytesPerPacket.push(heapPerPacket(pair, near, far))
  }
  return result
}

/** Bytes of heap for each packet: a chunk again and again, between two forced collections, nothing else allocating. */
function heapPerPacket(pair: Pair, near: Socket, far: Socket): number {
  const chunk = new Uint8Array(1460 * 8)
  const into = new Uint8Array(CHUNK)
  const turns = 20_000
  let underWay = 0
  const turn = () => {
    underWay += Math.max(0, pair.near.send(near, chunk))
    pair.nearOut()
    underWay -= Math.max(0, pair.far.recv(far, into))
    pair.farOut()
    pair.now += 0.01
  }
  for (let i = 0; i < 1000; i++) turn()
  globalThis.gc?.()
  const frames = pair.frames
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < turns; i++) turn()
  const perPacket = Math.max(0, process.memoryUsage().heapUsed - before) / (pair.frames - frames)
  // The next transfer must not find what this one left.
  for (; underWay > 0; pair.poll(1)) {
    pair.nearOut()
    underWay -= Math.max(0, pair.far.recv(far, into))
    pair.farOut()
  }
  return perPacket
}

/** 64 bytes there and 64 back, a second. */
export function roundTrips(samples: number, count: number): number[] {
  const pair = makePair(2 * MIB)
  const { near, far } = sureConnection(pair)
  const message = new Uint8Array(64)
  const into = new Uint8Array(64)
  return sampled(samples, count, () => {
    sure(pair.near.send(near, message))
    pair.nearOut()
    sure(pair.far.recv(far, into))
    sure(pair.far.send(far, message))
    pair.farOut()
    sure(pair.near.recv(near, into))
    pair.now += 0.005
  })
}

/** Connect, accept and close from both sides, a second. TIME-WAIT stays and fills the arena, as it would. */
export function connections(samples: number, count: number): number[] {
  const pair = makePair(2 * MIB)
  const listener = listen(pair)
  return sampled(samples, count, i => {
    const made = connect(pair, listener)
    if (made === undefined) throw new Error('The arena is full.')
    pair.near.close(made.near)
    pair.nearOut()
    pair.far.close(made.far)
    pair.farOut()
    pair.nearOut()
    pair.near.events(() => {})
    pair.far.events(() => {})
    pair.now += 0.02
    if (i % 50 === 0) pair.poll(0)
  })
}

/** Bytes of arena for each idle connection, and how many 2 MiB hold. */
export function idle(): { bytesPerIdleConnection: number; idleConnectionsIn2MiB: number } {
  const pair = makePair(2 * MIB)
  const listener = listen(pair)
  const before = pair.far.memory.used
  let count = 0
  // Idle is who has had nothing to say for a while: each has its second until the next twenty have come.
  for (; connect(pair, listener) !== undefined; count++) pair.poll(20)
  return { bytesPerIdleConnection: (pair.far.memory.used - before) / count, idleConnectionsIn2MiB: count }
}

/** Nanoseconds a packet of a bulk transfer while `others` connections stand idle beside it. */
export function costBeside(others: number, mebibytes: number): number {
  const pair = makePair(4 * MIB)
  const listener = listen(pair)
  for (let i = 0; i < others; i++) {
    if (connect(pair, listener) === undefined) throw new Error(`Only ${i} connections fit.`)
    pair.poll(20)
  }
  const made = connect(pair, listener)
  if (made === undefined) throw new Error('The arena is full.')
  transfer(pair, made.near, made.far, mebibytes * MIB)
  const { seconds, frames } = transfer(pair, made.near, made.far, mebibytes * MIB)
  return (seconds * 1e9) / frames
}

function sureConnection(pair: Pair): { near: Socket; far: Socket } {
  const made = connect(pair, listen(pair))
  if (made === undefined) throw new Error('No connection came about.')
  return made
}

function sampled(samples: number, count: number, once: (i: number) => void): number[] {
  for (let i = 0; i < count; i++) once(i)
  return Array.from({ length: samples }, () => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < count; i++) once(i)
    return count / (Number(process.hrtime.bigint() - start) / 1e9)
  })
}
