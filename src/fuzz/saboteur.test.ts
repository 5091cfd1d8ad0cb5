/** The saboteur's own parts, where they can be wrong: who would otherwise notice that he is blind, or tame? */
import { describe, expect, test } from 'vitest'
import { Dice } from '../simulate/dice.ts'
import { createStack } from '../stack/profiles/full.ts'
import {
  arp,
  ethernet,
  HOST_IP,
  HOST_MAC,
  icmp,
  ipv4,
  PEER_IP,
  PEER_MAC,
  readTcp,
  tcp,
  udp,
} from '../stack/testing/raw.ts'
import { environment } from '../stack/testing/simulation.ts'
import { frame } from './grammar/ethernet.ts'
import { sequence } from './grammar/sequence.ts'
import { Kept } from './kept.ts'
import { HOSTS, Knowledge } from './knowledge.ts'
import { mended } from './mutate.ts'
import { Pen } from './pen.ts'
import { disturbsByRight, isBareSyn, saidBy } from './rights.ts'
import { learn, Shadow } from './shadow.ts'
import { readTold, tell } from './told.js'

const segment = (seq: number, flags = 16): Uint8Array =>
  ethernet(
    PEER_MAC,
    HOST_MAC,
    0x0800,
    ipv4(
      6,
      tcp(
        { from: 5_000, to: 7, seq, ack: 77, flags, window: 100, options: [], data: [1, 2, 3] },
        HOST_IP,
        PEER_IP,
      ),
      {
        from: HOST_IP,
        to: PEER_IP,
      },
    ),
  )
const datagram = (from: number, to: number): Uint8Array =>
  ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(17, udp(from, to, [1, 2, 3])))
const hex = (bytes: number[]) => Buffer.from(bytes).toString('hex')
const ADDRESSES = new Set([hex(HOST_IP), hex(PEER_IP)])

describe('what is known', () => {
  test('an informed saboteur knows the number behind the last text', () => {
    const known = new Knowledge(HOSTS, true)
    known.hear(segment(1_000))
    expect(known.flow(new Dice(1), 4)).toMatchObject({
      fromPort: 5_000,
      toPort: 7,
      heard: { seq: 1_003, ack: 77 },
    })
  })

  test('a blind one knows who speaks with whom, and no number, frame or identifier', () => {
    const known = new Knowledge(HOSTS, false)
    known.tell({ from: 0x0a000001, to: 0x0a000002, fromPort: 5_000, toPort: 7 })
    known.hear(segment(1_000))
    known.hear(datagram(4_444, 53))
    expect(known.flow(new Dice(1), 4)?.heard).toBeUndefined()
    expect(known.frames).toEqual([])
    expect(known.questions).toEqual([])
    expect(known.ports).not.toContain(4_444)
  })

  test('what a blind one writes to a connection hits no window but by chance', () => {
    const known = new Knowledge(HOSTS, false)
    known.tell({ from: 0x0a000001, to: 0x0a000002, fromPort: 5_000, toPort: 7 })
    known.hear(segment(0x12340000))
    const pen = new Pen(new Dice(3))
    let [written, near] = [0, 0]
    for (let n = 0; n < 30_000; n++) {
      const bytes = frame(pen, known)
      const { protocol, fromPort, toPort } = saidBy(bytes)
      if (protocol !== 6 || fromPort !== 5_000 || toPort !== 7 || bytes.length < 54 || bytes[14] !== 0x45)
        continue
      written++
      if (new DataView(bytes.buffer).getUint32(38) >>> 16 === 0x1234) near++
    }
    expect(written).toBeGreaterThan(500)
    expect(near).toBeLessThan(3)
  })
})

describe('what disturbs by right', () => {
  const claim = (senderIp: number[]) =>
    ethernet(
      HOST_MAC,
      PEER_MAC,
      0x0806,
      arp({ operation: 2, senderMac: PEER_MAC, senderIp, targetMac: HOST_MAC, targetIp: HOST_IP }),
    )

  test('is ARP about a host’s address, and not about a stranger’s', () => {
    expect(disturbsByRight(claim(PEER_IP), ADDRESSES)).toBe(true)
    expect(disturbsByRight(claim([10, 0, 0, 77]), ADDRESSES)).toBe(false)
  })

  test('is a redirect, and no other error', () => {
    const error = (type: number) => ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(1, icmp(type, 0, [0, 0, 0, 0])))
    expect(disturbsByRight(error(5), ADDRESSES)).toBe(true)
    expect(disturbsByRight(error(3), ADDRESSES)).toBe(false)
  })

  test('is multicast DNS and what a DHCP server hears; segments and other datagrams are not', () => {
    expect(disturbsByRight(datagram(5_353, 5_353), ADDRESSES)).toBe(true)
    expect(disturbsByRight(datagram(68, 67), ADDRESSES)).toBe(true)
    expect(disturbsByRight(datagram(53, 4_444), ADDRESSES)).toBe(false)
    expect(disturbsByRight(segment(1, 4), ADDRESSES)).toBe(false)
  })

  test('is neighbour discovery, also behind other headers', () => {
    const packet = (next: number, rest: number[]) => [
      0x60,
      0,
      0,
      0,
      0,
      rest.length,
      next,
      255,
      ...new Array<number>(32).fill(0),
      ...rest,
    ]
    const six = (next: number, rest: number[]) => ethernet(HOST_MAC, PEER_MAC, 0x86dd, packet(next, rest))
    expect(disturbsByRight(six(58, [135, 0, 0, 0]), ADDRESSES)).toBe(true)
    expect(disturbsByRight(six(60, [58, 0, 1, 4, 0, 0, 0, 0, 134, 0]), ADDRESSES)).toBe(true)
    expect(disturbsByRight(six(58, [128, 0, 0, 0]), ADDRESSES)).toBe(false)
  })

  test('a bare SYN is told from one with an ACK, also behind other headers', () => {
    const header = [0x60, 0, 0, 0, 0, 28, 60, 64, ...new Array<number>(32).fill(0)]
    const syn = [
      6,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      7,
      1,
      2,
      ...new Array<number>(8).fill(0),
      0x50,
      2,
      0,
      0,
      0,
      0,
      0,
      0,
    ]
    expect(isBareSyn(ethernet(HOST_MAC, PEER_MAC, 0x86dd, [...header, ...syn]))).toBe(true)

    expect(isBareSyn(segment(1, 2))).toBe(true)
    expect(isBareSyn(segment(1, 18))).toBe(false)
  })
})

describe('the second picture of an arena', () => {
  const stack = createStack(
    { memory: 65_536, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24' },
    environment(1),
  )
  const first = new DataView(stack.arena).getInt32(8, true)
  const pageAt = first + 20 * 1_600

  test('allows what lies in one page, and no more', () => {
    const shadow = new Shadow(stack.arena)
    shadow.own(pageAt, 5)
    expect(() => shadow.check(pageAt + 1_596, 4)).not.toThrow()
    expect(() => shadow.check(pageAt + 1_597, 4)).toThrow(/page 20/)
    shadow.own(pageAt, 0)
    expect(() => shadow.check(pageAt, 4)).toThrow(/which is free/)
  })

  test('allows what lies in one record that is held; of a free one, only what kind it is', () => {
    learn(3, 48)
    const shadow = new Shadow(stack.arena)
    shadow.own(pageAt, 3)
    shadow.slab(pageAt, 48)
    const record = pageAt + 16 + 48
    shadow.take(record, 48)
    expect(() => shadow.check(record + 44, 4)).not.toThrow()
    expect(() => shadow.check(record + 46, 4)).toThrow(/free|beyond/)
    expect(() => shadow.take(record, 48)).toThrow(/taken twice/)
    shadow.free(record, 48)
    expect(() => shadow.checkByte(record + 16)).not.toThrow()
    expect(() => shadow.checkByte(record + 17)).toThrow(/record that is free/)
    expect(() => shadow.free(record, 48)).toThrow(/freed twice/)
    expect(() => shadow.free(record + 4, 48)).toThrow(/no record/)
  })
})

test('of what is kept the rarest is drawn most often', () => {
  const kept = new Kept([1_000, 3, 1_000])
  kept.note(Uint8Array.of(0), [0])
  kept.note(Uint8Array.of(1), [0, 1])
  kept.note(Uint8Array.of(2), [2])
  kept.note(Uint8Array.of(3), [])
  const dice = new Dice(1)
  const drawn = Array.from({ length: 3_000 }, () => kept.pick(dice)[0])
  expect(drawn.filter(which => which === 1).length).toBeGreaterThan(1_800)
  expect(drawn).toContain(0)
  expect(drawn).not.toContain(3)
})

test('checksums are put right', () => {
  const bytes = segment(5)
  bytes[40] = 99
  expect(() => readTcp(bytes)).toThrow(/checksum/)
  expect(() => readTcp(mended(bytes))).not.toThrow()
})

test('fragments of a sequence make a datagram whole', () => {
  const known = new Knowledge(HOSTS, true)
  const stack = createStack(
    { memory: 262_144, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24' },
    environment(1),
  )
  let now = 0
  for (; now < 15_000; now += 100) stack.poll(now)
  for (let seed = 1; seed < 200; seed++)
    for (const bytes of sequence(new Pen(new Dice(seed)), known)) stack.input(bytes, now++)
  expect(stack.counters['ipReasmOKs']).toBeGreaterThan(5)
})

describe('what is told', () => {
  const failure = {
    what: 'Wrong: something',
    form: 'aimed',
    seed: 42,
    host: 3,
    profile: 'full client',
    frames: [
      { at: 22_000.4, bytes: Uint8Array.of(1, 2, 255) },
      { at: 22_001, bytes: new Uint8Array(0) },
    ],
  } as const

  test('is read back, with other lines around it', () => {
    expect(
      readTold(`Hello\n${tell(failure)}\n40 frames in 1 runs\n${tell({ ...failure, seed: 43 })}`),
    ).toEqual([failure, { ...failure, seed: 43 }])
  })

  test('is refused in a sentence when there is none, or a frame is none', () => {
    expect(() => readTold('Hello')).toThrow('There is no failure in it')
    expect(() => readTold(`${tell(failure)}\n  12 0g`)).toThrow("This is no frame: '12 0g'.")
  })
})
