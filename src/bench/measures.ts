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

/**
 * Bytes of heap for each packet: a chunk again and again, nothing else allocating. Between two readings so little happens
 * that no collection falls into it, which would take away what is to be counted; of many such spans the median.
 */
function heapPerPacket(pair: Pair, near: Socket, far: Socket): number {
  const chunk = new Uint8Array(1460 * 8)
  const into = new Uint8Array(CHUNK)
  let underWay = 0
  const turns = (count: number) => {
    for (let i = 0; i < count; i++) {
      underWay += Math.max(0, pair.near.send(near, chunk))
      pair.nearOut()
      underWay -= Math.max(0, pair.far.recv(far, into))
      pair.farOut()
      pair.now += 0.01
    }
  }
  const span = (count: number) => {
    const frames = pair.frames
    const before = process.memoryUsage().heapUsed
    turns(count)
    const bytes = process.memoryUsage().heapUsed - before
    return { bytes, frames: pair.frames - frames }
  }
  turns(1000)
  const spans: number[] = []
  while (spans.length < 101) {
    globalThis.gc?.()
    span(0)
    // A reading is an object itself.
    const reading = span(0).bytes
    const { bytes, frames } = span(50)
    spans.push(Math.max(0, bytes - reading) / frames)
  }
  // The next transfer must not find what this one left.
  for (; underWay > 0; pair.poll(1)) {
    pair.nearOut()
    underWay -= Math.max(0, pair.far.recv(far, into))
    pair.farOut()
  }
  return spans.sort((a, b) => a - b)[spans.length >> 1] ?? 0
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
export function idle(): { readonly bytes: number; readonly count: number } {
  const pair = makePair(2 * MIB)
  const listener = listen(pair)
  const before = pair.far.memory.used
  let count = 0
  // Idle is who has had nothing to say for a while: each has its second until the next twenty have come.
  for (; connect(pair, listener) !== undefined; count++) pair.poll(20)
  return { bytes: (pair.far.memory.used - before) / count, count }
}

/** Nanoseconds a packet of a bulk transfer while `others` connections stand idle beside it. */
export function costBeside(others: number, samples: number, mebibytes: number): number[] {
  const pair = makePair(4 * MIB)
  const listener = listen(pair)
  for (let i = 0; i < others; i++) {
    if (connect(pair, listener) === undefined) throw new Error(`Only ${i} connections fit.`)
    pair.poll(20)
  }
  const made = connect(pair, listener)
  if (made === undefined) throw new Error('The arena is full.')
  transfer(pair, made.near, made.far, mebibytes * MIB)
  return Array.from({ length: samples }, () => {
    const { seconds, frames } = transfer(pair, made.near, made.far, mebibytes * MIB)
    return (seconds * 1e9) / frames
  })
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
