import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EBADF, EINVAL, ENOPROTOOPT } from '../errno.ts'
import { type FilterInstruction, Protocol, type Socket } from '../stack.ts'
import { assemble, Machine, reference } from '../testing/bpf.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { ethernet, HOST_MAC, ipv4, PEER_MAC, tcp, udp } from '../testing/raw.ts'
import { seededRandom } from '../testing/simulation.ts'
import { isSound } from './verify.ts'

const machine = new Machine()
const PACKET = [0x45, 0xf0, 0x81, 0x02, 0x03, 0x04, 0xff, 0xfe]

describe('each instruction', () => {
  const results: [program: string, returned: number][] = [
    ['ret #7', 7],
    ['ret #0xffffffff', 0xffffffff],
    ['ld #5; ret a', 5],
    ['ld #len; ret a', 8],
    ['ldx #len; txa; ret a', 8],
    ['ld [1]; ret a', 0xf0810203],
    ['ldh [2]; ret a', 0x8102],
    ['ldb [2]; ret a', 0x81],
    ['ld [4]; ret a', 0x0304fffe],
    ['ldx #2; ld [x + 2]; ret a', 0x0304fffe],
    ['ldx #2; ldh [x + 1]; ret a', 0x0203],
    ['ldx #2; ldb [x + 1]; ret a', 0x02],
    ['ldx #0xffffffff; ldb [x + 3]; ret a', 0x81],
    ['ldx #9; txa; ret a', 9],
    ['ld #9; tax; ld #1; txa; ret a', 9],
    ['ldxb 4*([0]&0xf); txa; ret a', 20],
    ['ld #3; st M[15]; ld #4; ld M[15]; ret a', 3],
    ['ldx #3; stx M[0]; ldx #4; ldx M[0]; txa; ret a', 3],
    ['ld #0xffffffff; add #2; ret a', 1],
    ['ld #1; sub #2; ret a', 0xffffffff],
    ['ld #0xffffffff; mul #0xffffffff; ret a', 1],
    ['ld #0xffffffff; div #2; ret a', 0x7fffffff],
    ['ld #0xffffffff; mod #10; ret a', 5],
    ['ld #0xf0; or #0x0f; ret a', 0xff],
    ['ld #0xff; and #0x3c; ret a', 0x3c],
    ['ld #0xff; xor #0x3c; ret a', 0xc3],
    ['ld #0x80000001; lsh #1; ret a', 2],
    ['ld #0x80000000; rsh #31; ret a', 1],
    ['ld #1; neg; ret a', 0xffffffff],
    ['ld #6; ldx #7; mul x; ret a', 42],
    ['ld #7; ldx #33; lsh x; ret a', 14],
    ['ld #1; ja end; ret #9; end: ret a', 1],
    ['ld #5; jeq #5, yes, no; yes: ret #1; no: ret #2', 1],
    ['ld #5; jeq #6, yes, no; yes: ret #1; no: ret #2', 2],
    ['ld #0x80000000; jgt #1, yes, no; yes: ret #1; no: ret #2', 1],
    ['ld #5; jgt #5, yes, no; yes: ret #1; no: ret #2', 2],
    ['ld #5; jge #5, yes, no; yes: ret #1; no: ret #2', 1],
    ['ld #5; jset #4, yes, no; yes: ret #1; no: ret #2', 1],
    ['ld #5; jset #2, yes, no; yes: ret #1; no: ret #2', 2],
    ['ld #5; ldx #5; jeq x, yes, no; yes: ret #1; no: ret #2', 1],
  ]
  test.each(results)('%s', (text, returned) => {
    const program = assemble(text)
    expect(isSound(program)).toBe(true)
    expect([machine.run(program, PACKET), reference(program, PACKET)]).toEqual([returned, returned])
  })

  const stops = [
    'ld [5]; ret #1',
    'ldh [7]; ret #1',
    'ldb [8]; ret #1',
    'ldb [0xffffffff]; ret #1',
    'ldx #5; ldb [x + 3]; ret #1',
    'ldxb 4*([8]&0xf); ret #1',
    'ldx #0; ld #1; div x; ret #1',
    'ldx #0; ld #1; mod x; ret #1',
  ]
  test.each(stops)('%s wants nothing', text => {
    expect(isSound(assemble(text))).toBe(true)
    expect(machine.run(assemble(text), PACKET)).toBe(0)
  })
})

describe('a program is refused', () => {
  const faults: [why: string, program: FilterInstruction[]][] = [
    ['when it is empty', []],
    ['when it does not end with RET', assemble('ret #1; ld #1')],
    [
      'when a jump leaves it',
      [
        [0x15, 0, 1, 0],
        [6, 0, 0, 0],
      ],
    ],
    [
      'when a long jump leaves it',
      [
        [5, 0, 0, 1],
        [6, 0, 0, 0],
      ],
    ],
    [
      'when it jumps back, since k is unsigned',
      [
        [5, 0, 0, 0xffffffff],
        [6, 0, 0, 0],
      ],
    ],
    ['when it divides by the constant zero', assemble('div #0; ret a')],
    ['when it takes the rest of a division by zero', assemble('mod #0; ret a')],
    ['when it shifts beyond the word', assemble('lsh #32; ret a')],
    ['when it reads a 17th word of memory', assemble('ld M[16]; ret a')],
    ['when it writes a 17th word of memory', assemble('st M[16]; ret a')],
    ['when it reads memory that it has not written', assemble('ld M[3]; ret a')],
    [
      'when it has written memory on one of two ways alone',
      assemble('ld [0]; jeq #0, a, b; a: st M[1]; b: ld M[1]; ret a'),
    ],
    ['when it has more than 4,096 instructions', Array<FilterInstruction>(4097).fill([6, 0, 0, 0])],
    ['when an instruction is not of whole numbers', [[6, 0, 0, 0.5]]],
    ['when k is negative', [[6, 0, 0, -1]]],
  ]
  test.each(faults)('%s', (_, program) => {
    expect(isSound(program)).toBe(false)
  })

  test('when it holds a code that no instruction has', () => {
    const codes = new Set<number>()
    for (let code = 0; code < 0x10000; code++)
      if (
        isSound([
          [code, 0, 0, 1],
          [6, 0, 0, 0],
          [6, 0, 0, 0],
        ])
      )
        codes.add(code)
    // Memory word 1 is not written yet, so its two loads are missing here.
    const known = [
      0x00,
      0x20,
      0x28,
      0x30,
      0x40,
      0x48,
      0x50,
      0x80,
      0x01,
      0x81,
      0xb1,
      0x02,
      0x03,
      0x84,
      0x05,
      0x06,
      0x16,
      0x07,
      0x87,
      ...[0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x94, 0xa4, 0x15, 0x25, 0x35, 0x45].flatMap(c => [
        c,
        c | 8,
      ]),
    ]
    expect([...codes].sort()).toEqual(known.sort())
  })
})

/** A program of random instructions, most of them known ones, and of random jumps, most of them forward. */
function randomProgram(random: () => number): FilterInstruction[] {
  const codes = [
    0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1, 0x02, 0x03, 0x04, 0x0c,
    0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c,
    0xa4, 0xac, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x07, 0x87,
  ]
  const length = 1 + (random() % 40)
  const small = (): number => random() % 6
  const body = Array.from({ length }, (): FilterInstruction => {
    const code = codes[random() % codes.length] ?? 0
    return [code, small(), small(), random() % 4 === 0 ? random() : random() % 20]
  })
  // Memory is written at the beginning half of the time, so that more programs may read it.
  const written = random() % 2 === 0 ? assemble('st M[0]; st M[1]; stx M[2]; st M[3]') : []
  return [...written, ...body, ...Array<FilterInstruction>(8).fill([0x16, 0, 0, 0])]
}

test('whatever program is accepted ends, reads nothing beyond the packet, and returns what the second opinion says', () => {
  const random = seededRandom(11)
  let sound = 0
  for (let i = 0; i < 30_000; i++) {
    const program = randomProgram(random)
    if (!isSound(program)) continue
    sound++
    const packet = Array.from({ length: random() % 30 }, () => random() & 255)
    expect(machine.run(program, packet)).toBe(reference(program, packet))
  }
  expect(sound).toBeGreaterThan(3_000)
})

test('a program goes on in the next page', () => {
  const count = 4090
  const program = assemble(`ld #0; ${'add #1; '.repeat(count)} ret a`)
  expect(machine.run(program, [])).toBe(count)
  const jump = assemble(`ja end; ${'ret #1; '.repeat(1000)} end: ret #2`)
  expect(machine.run(jump, [])).toBe(2)
})

describe('a socket with a filter', () => {
  const frame = (packet: number[]) => ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)
  const from = { address: 0, port: 0 }
  const bound = (d: Dialogue) => {
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.bind(socket, 0, 53)
    return socket
  }

  test('of UDP gets what the program wants; the rest is dropped and counted', () => {
    const d = new Dialogue()
    const socket = bound(d)
    // Offset 0 is the UDP header: the source port must be 4000.
    expect(d.stack.attachFilter(socket, assemble('ldh [0]; jeq #4000, y, n; y: ret #65535; n: ret #0'))).toBe(
      0,
    )
    expect(d.inFrame(frame(ipv4(17, udp(4001, 53, [1]))))).toBe(Drop.Filtered)
    expect(d.inFrame(frame(ipv4(17, udp(4000, 53, [2]))))).toBe(Drop.None)
    expect(d.stack.counters['drop.Filtered']).toBe(1)
    const into = new Uint8Array(4)
    expect(d.stack.recvFrom(socket, into, from)).toBe(1)
    expect(into[0]).toBe(2)
    d.stack.close(socket)
  })

  test('of UDP gets no more of a datagram than the program returns, headers counted', () => {
    const d = new Dialogue()
    const socket = bound(d)
    d.stack.attachFilter(socket, assemble('ret #10'))
    d.inFrame(frame(ipv4(17, udp(4000, 53, [1, 2, 3, 4]))))
    expect(d.stack.recvFrom(socket, new Uint8Array(9), from)).toBe(2)
    d.stack.attachFilter(socket, assemble('ret #1'))
    d.inFrame(frame(ipv4(17, udp(4000, 53, [1, 2, 3, 4]))))
    expect(d.stack.recvFrom(socket, new Uint8Array(9), from)).toBe(0)
    d.stack.close(socket)
  })

  test('of UDP reads datagrams that came in fragments wherever their bytes lie', () => {
    const d = new Dialogue()
    const socket = bound(d)
    const data = Array.from({ length: 3000 }, (_, i) => (i * 7) & 255)
    const packet = udp(4000, 53, data)
    const at = 1480
    const word = packet.slice(at - 2, at + 2).reduce((sum, byte) => sum * 256 + byte, 0)
    d.stack.attachFilter(socket, assemble(`ld [${at - 2}]; jeq #${word}, y, n; y: ret #2008; n: ret #0`))
    for (let i = 0; i < packet.length; i += at)
      d.inFrame(
        frame(
          ipv4(17, packet.slice(i, i + at), { fragment: (i >> 3) | (i + at < packet.length ? 0x2000 : 0) }),
        ),
      )
    const into = new Uint8Array(4000)
    expect(d.stack.recvFrom(socket, into, from)).toBe(2000)
    expect([...into.subarray(0, 2000)]).toEqual(data.slice(0, 2000))
    d.stack.close(socket)
  })

  test('keeps its program when the next one is refused, and loses it to an empty one', () => {
    const d = new Dialogue()
    const socket = bound(d)
    expect(d.stack.attachFilter(socket, assemble('ret #0'))).toBe(0)
    expect(d.stack.attachFilter(socket, assemble('ld #1'))).toBe(EINVAL)
    expect(d.inFrame(frame(ipv4(17, udp(4000, 53, [1]))))).toBe(Drop.Filtered)
    expect(d.stack.attachFilter(socket, [])).toBe(0)
    expect(d.inFrame(frame(ipv4(17, udp(4000, 53, [1]))))).toBe(Drop.None)
    d.stack.close(socket)
    expect(d.stack.attachFilter(socket, [])).toBe(EBADF)
  })

  test('of TCP there is none', () => {
    const d = new Dialogue()
    expect(d.stack.attachFilter(d.open(), assemble('ret #0'))).toBe(ENOPROTOOPT)
  })
})

/** What `tcpdump -ddd` prints for an expression; undefined where there is no tcpdump. */
function tcpdump(expression: string): FilterInstruction[] | undefined {
  try {
    const words = execFileSync('tcpdump', ['-y', 'EN10MB', '-ddd', expression], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [, ...lines] = String(words).trim().split('\n')
    return lines.map(line => {
      const [code = 0, whenTrue = 0, whenFalse = 0, k = 0] = line.split(' ').map(Number)
      return [code, whenTrue, whenFalse, k]
    })
  } catch {
    return undefined
  }
}

test('programs that tcpdump prints tell its packets apart', context => {
  const program = tcpdump('tcp dst port 80 and tcp[tcpflags] & tcp-syn != 0')
  if (program === undefined) return context.skip('There is no tcpdump on this machine.')
  const segment = (to: number, flags: number) =>
    tcp({ from: 4000, to, seq: 1, ack: 0, flags, window: 0, options: [], data: [] })
  const frame = (packet: number[]) => [...ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)]
  expect(isSound(program)).toBe(true)
  expect(machine.run(program, frame(ipv4(6, segment(80, 2))))).toBeGreaterThan(0)
  expect(machine.run(program, frame(ipv4(6, segment(80, 2), { options: [1, 1, 1, 0] })))).toBeGreaterThan(0)
  expect(machine.run(program, frame(ipv4(6, segment(80, 16))))).toBe(0)
  expect(machine.run(program, frame(ipv4(6, segment(81, 2))))).toBe(0)
  expect(machine.run(program, frame(ipv4(17, udp(1, 80, []))))).toBe(0)
})
