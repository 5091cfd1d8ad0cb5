/** Whole segments with the real stack: what a page asks and what it is told, alone and with a peer. */
import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { BATCH_LENGTH, putFrame } from '../link/batch.ts'
import type { FrameChannel } from '../link/channel-port.ts'
import { readPcapng } from '../link/pcapng.ts'
import { putLldp } from '../stack/wire/lldp.ts'
import { unpackUpdate } from './packed-update.ts'
import type { Command, HostSnapshot, LogRecord, ProfileName, Replies, Update } from './protocol.ts'
import { Segment } from './segment.ts'
import { loadSource } from './testing/load-source.ts'

const MB = 1024 * 1024
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const SOON = { timeout: 8000, interval: 5 }

/** A segment and all that it told. */
class Page {
  readonly log: LogRecord[] = []
  last: Update | undefined
  #skew = 0
  readonly segment = new Segment({
    now: () => performance.now() + this.#skew,
    timeOrigin: performance.timeOrigin,
    load: loadSource,
    captureBytes: 8 * MB,
    post: packed => {
      this.last = unpackUpdate(structuredClone(packed, { transfer: [packed.entries] }))
      this.log.push(...this.last.log)
    },
  })

  do<K extends Command['kind']>(command: Extract<Command, { kind: K }>): Promise<Replies[K]> {
    return this.segment.command(command)
  }

  async host(name: string, mac: number, profile: ProfileName = 'full', memory = MB): Promise<void> {
    await this.do({ kind: 'add-host', spec: { name, profile, memory, mac: `02:00:00:00:00:0${mac}` } })
  }

  snapshot(name: string): HostSnapshot {
    const found = this.last?.hosts.find(host => host.name === name)
    if (found === undefined) throw new Error(`no snapshot of ${name}`)
    return found
  }

  async address(name: string): Promise<string> {
    await vi.waitFor(() => expect(this.snapshot(name).address).toBeDefined(), SOON)
    return this.snapshot(name).address as string
  }

  /** The clock jumps ahead, as when a machine wakes up. */
  jump(ms: number): void {
    this.#skew += ms
    this.segment.wake()
  }

  async told(): Promise<void> {
    await this.do({ kind: 'snapshot' })
  }

  states(host: string, localPort: number | undefined = undefined): string[] {
    return this.log.flatMap(record =>
      record.kind === 'state' &&
      record.host === host &&
      record.remotePort !== 0 &&
      (localPort === undefined || record.localPort === localPort)
        ? [record.state]
        : [],
    )
  }
}

const pages: Page[] = []
const open = () => {
  const page = new Page()
  pages.push(page)
  return page
}
afterEach(() => {
  for (const page of pages.splice(0)) page.segment.end()
})

/** One end of a wire in memory: messages arrive in later tasks, some are lost. */
class WireEnd implements FrameChannel {
  readyState: RTCDataChannelState = 'open'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'arraybuffer'
  onopen: ((event: Event) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onbufferedamountlow: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null
  far: WireEnd | undefined
  readonly #loses: () => boolean

  constructor(loses: () => boolean) {
    this.#loses = loses
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    const batch = data.slice().buffer
    this.bufferedAmount += batch.byteLength
    setImmediate(() => {
      const above = this.bufferedAmount > this.bufferedAmountLowThreshold
      this.bufferedAmount -= batch.byteLength
      if (above && this.bufferedAmount <= this.bufferedAmountLowThreshold)
        this.onbufferedamountlow?.(new Event('low'))
      if (!this.#loses()) this.far?.onmessage?.(new MessageEvent('message', { data: batch }))
    })
  }

  close(): void {
    if (this.readyState === 'closed') return
    this.readyState = 'closed'
    const { far } = this
    setImmediate(() => {
      if (far === undefined || far.readyState === 'closed') return
      far.readyState = 'closed'
      far.onclose?.(new Event('close'))
    })
  }
}

const ALICES_PAGE = 'a'.repeat(32)
const BOBS_PAGE = 'b'.repeat(32)

/** Two pages with a wire between them; every n-th message is lost. */
async function joined(loseEvery = 0) {
  let messages = 0
  const loses = () => loseEvery > 0 && ++messages % loseEvery === 0
  const wire = [new WireEnd(loses), new WireEnd(loses)] as const
  wire[0].far = wire[1]
  wire[1].far = wire[0]
  const left = open()
  const right = open()
  await left.host('alice', 1)
  await right.host('bob', 2)
  const channel = (end: WireEnd) => end as unknown as RTCDataChannel
  await left.do({ kind: 'add-peer', peer: BOBS_PAGE, name: 'bob', channel: channel(wire[0]) })
  await right.do({ kind: 'add-peer', peer: ALICES_PAGE, name: 'alice', channel: channel(wire[1]) })
  const alice = await left.address('alice')
  const bob = await right.address('bob')
  return { left, right, alice, bob, wire }
}

const converse = async (from: Page, to: Page, fromHost: string, toHost: string, address: string) => {
  const { connection } = await from.do({ kind: 'connect', host: fromHost, address, port: 23 })
  await from.do({ kind: 'send-text', connection, text: 'Grüß dich' })
  await vi.waitFor(() => expect(to.snapshot(toHost).conversations[0]?.lines[0]?.text).toBe('Grüß dich'), SOON)
  const theirs = to.snapshot(toHost).conversations[0]?.connection ?? 0
  await to.do({ kind: 'send-text', connection: theirs, text: 'Hello' })
  await vi.waitFor(
    () =>
      expect(from.snapshot(fromHost).conversations[0]?.lines.at(-1)).toEqual({ mine: false, text: 'Hello' }),
    SOON,
  )
  return { connection, theirs }
}

describe('two hosts on one page', () => {
  const two = async () => {
    const page = open()
    await page.host('alice', 1)
    await page.host('bob', 2)
    return { page, alice: await page.address('alice'), bob: await page.address('bob') }
  }

  test('find each other by ARP, ping, converse both ways and close in order', async () => {
    const { page, bob } = await two()
    const { pings } = await page.do({ kind: 'ping', host: 'alice', address: bob, count: 2 })
    expect(pings.map(({ sequence, rtt }) => [sequence, (rtt ?? -1) >= 0])).toEqual([
      [1, true],
      [2, true],
    ])
    const { connection } = await converse(page, page, 'alice', 'bob', bob)
    await page.do({ kind: 'close', connection })
    await vi.waitFor(() => {
      expect(page.states('alice')).toEqual([
        'SYN-SENT',
        'ESTABLISHED',
        'FIN-WAIT-1',
        'FIN-WAIT-2',
        'TIME-WAIT',
      ])
      expect(page.states('bob', 23)).toEqual([
        'SYN-RECEIVED',
        'ESTABLISHED',
        'CLOSE-WAIT',
        'LAST-ACK',
        'CLOSED',
      ])
    }, SOON)
    expect(page.snapshot('bob').conversations[0]?.ended).toBe('The other side closed the conversation.')
    expect(page.snapshot('alice').conversations[0]?.ended).toBe('Closed from here.')
  })

  test('a change of state names the frame that made it', async () => {
    const { page, bob } = await two()
    const { connection } = await page.do({ kind: 'connect', host: 'alice', address: bob, port: 23 })
    // Closed at once, the ACK of the handshake and the FIN would be one segment.
    await vi.waitFor(() => expect(page.states('bob', 23).at(-1)).toBe('ESTABLISHED'), SOON)
    await page.do({ kind: 'close', connection })
    await vi.waitFor(() => expect(page.states('bob', 23).at(-1)).toBe('CLOSED'), SOON)
    const flags = (no: number | undefined) => {
      const frame = page.log.find(record => record.kind === 'frame' && record.no === no)
      return frame?.kind === 'frame' ? (frame.bytes[14 + 20 + 13] ?? 0) & 0x17 : undefined
    }
    const made = page.log.flatMap(record =>
      record.kind === 'state' && record.host === 'bob' && record.localPort === 23 && record.remotePort !== 0
        ? [[record.state, flags(record.frame)]]
        : [],
    )
    expect(made.slice(0, 3)).toEqual([
      ['SYN-RECEIVED', 0x02],
      ['ESTABLISHED', 0x10],
      ['CLOSE-WAIT', 0x11],
    ])
  })

  test('a connection to a port where nobody listens is refused at once, in a sentence', async () => {
    const { page, bob } = await two()
    await expect(page.do({ kind: 'connect', host: 'alice', address: bob, port: 1234 })).rejects.toThrow(
      'The peer refused the connection: nothing listens on that port.',
    )
  })

  test('a connection to an address that nobody has fails in a sentence', async () => {
    const { page } = await two()
    await expect(
      page.do({ kind: 'connect', host: 'alice', address: '169.254.0.77', port: 23 }),
    ).rejects.toThrow('No host on the segment answers for that address.')
  })

  test('echo gives each line back', async () => {
    const { page, bob } = await two()
    const { connection } = await page.do({ kind: 'connect', host: 'alice', address: bob, port: 7 })
    await page.do({ kind: 'send-text', connection, text: 'Is anybody there?' })
    await vi.waitFor(
      () =>
        expect(page.snapshot('alice').conversations[0]?.lines).toEqual([
          { mine: true, text: 'Is anybody there?' },
          { mine: false, text: 'Is anybody there?' },
        ]),
      SOON,
    )
  })

  test('a megabyte arrives with the same SHA-256 on both sides, and the memory comes back', async () => {
    const { page, bob } = await two()
    await page.told()
    const before = ['alice', 'bob'].map(name => page.snapshot(name).memory.used)
    const file = new Blob([randomBytes(MB)])
    const { bytes, sha256 } = await page.do({
      kind: 'send-file',
      host: 'alice',
      address: bob,
      name: 'one.bin',
      file,
    })
    expect(bytes).toBe(MB)
    await vi.waitFor(() => expect(page.snapshot('bob').transfers[0]?.sha256).toBe(sha256), SOON)
    await vi.waitFor(() => expect(page.states('bob', 9).at(-1)).toMatch(/CLOSED|TIME-WAIT/), SOON)
    // 2 MSL and more pass; the neighbours, whose entries live longer, were there before.
    page.jump(10_000)
    await vi.waitFor(async () => {
      page.jump(30_000)
      await page.told()
      expect(page.snapshot('alice').connections.every(({ state }) => state === 'LISTEN')).toBe(true)
      expect(page.snapshot('bob').connections.every(({ state }) => state === 'LISTEN')).toBe(true)
      const used = ['alice', 'bob'].map(name => page.snapshot(name).memory.used)
      for (const [i, now] of used.entries()) expect(now).toBeLessThanOrEqual(before[i] ?? 0)
    }, SOON)
  })

  test('aborting resets the connection and both sides say so', async () => {
    const { page, bob } = await two()
    const { connection } = await converse(page, page, 'alice', 'bob', bob)
    await page.do({ kind: 'abort', connection })
    await vi.waitFor(() => {
      expect(page.snapshot('alice').conversations[0]?.ended).toBe('The connection was aborted on this side.')
      expect(page.snapshot('bob').conversations[0]?.ended).toBe('The peer reset the connection.')
    }, SOON)
  })

  test('restarting one within another budget keeps its name and MAC and ends its connections', async () => {
    const { page, bob } = await two()
    await converse(page, page, 'alice', 'bob', bob)
    await page.do({ kind: 'restart-host', host: 'alice', profile: 'minimal', memory: 64 * 1024, ipv6: false })
    await vi.waitFor(
      () => expect(page.snapshot('bob').conversations[0]?.ended).toBe('The peer reset the connection.'),
      SOON,
    )
    expect(page.snapshot('alice')).toMatchObject({ profile: 'minimal', mac: '02:00:00:00:00:01' })
    expect(page.snapshot('alice').memory.size).toBe(64 * 1024)
  })

  test('a budget too small for the profile is refused, names the smallest, and changes nothing', async () => {
    const { page, bob } = await two()
    await expect(
      page.do({ kind: 'restart-host', host: 'alice', profile: 'full', memory: 1000, ipv6: false }),
    ).rejects.toThrow(/\d{4,}/)
    await converse(page, page, 'alice', 'bob', bob)
  })

  test('a profile without ping says so', async () => {
    const page = open()
    await page.host('small', 3, 'minimal', 64 * 1024)
    await page.address('small')
    await expect(page.do({ kind: 'ping', host: 'small', address: '169.254.9.9', count: 1 })).rejects.toThrow(
      "The profile 'minimal' has no ping sockets",
    )
  })

  test('a drop stands in the export as the host’s name and a sentence', async () => {
    const { page, bob } = await two()
    await expect(page.do({ kind: 'connect', host: 'alice', address: bob, port: 4 })).rejects.toThrow()
    const { pcapng } = await page.do({ kind: 'export-capture' })
    const comments = readPcapng(new Uint8Array(pcapng)).packets.flatMap(({ comment }) => comment ?? [])
    expect(comments).toEqual(['bob: Nothing listens on that port.'])
  })

  test('the capture exports every frame, with drops as comments', async () => {
    const { page, bob } = await two()
    await page.do({ kind: 'ping', host: 'alice', address: bob, count: 1 })
    await page.told()
    const frames = page.log.filter(record => record.kind === 'frame')
    const { pcapng } = await page.do({ kind: 'export-capture' })
    const file = readPcapng(new Uint8Array(pcapng))
    expect(file.interfaces).toEqual(['switch', 'alice', 'bob'])
    expect(file.packets.slice(0, frames.length).map(({ bytes }) => [...bytes])).toEqual(
      frames.map(({ bytes }) => [...bytes]),
    )
    await page.do({ kind: 'clear-capture' })
    const { pcapng: empty } = await page.do({ kind: 'export-capture' })
    expect(readPcapng(new Uint8Array(empty)).packets.length).toBeLessThan(frames.length)
  })
})

describe('two pages', () => {
  test('tell each other of their hosts, ping, converse and close', async () => {
    const { left, right, bob } = await joined()
    const { pings } = await left.do({ kind: 'ping', host: 'alice', address: bob, count: 1 })
    expect(pings[0]?.rtt).toBeDefined()
    expect(left.last?.peers[0]).toMatchObject({
      name: 'bob',
      macs: ['02:00:00:00:00:02'],
      maxFrame: 1514,
      open: true,
    })
    const { connection } = await converse(left, right, 'alice', 'bob', bob)
    await left.do({ kind: 'close', connection })
    await vi.waitFor(() => {
      expect(left.states('alice')).toContain('TIME-WAIT')
      expect(right.states('bob', 23).at(-1)).toBe('CLOSED')
    }, SOON)
  })

  test('pass a file both ways at once with equal hashes', async () => {
    const { left, right, alice, bob } = await joined()
    const [there, back] = [randomBytes(MB), randomBytes(MB)]
    // Whether a wire stood still for so long that frames were lost at it is the machine's affair; the files are whole.
    const [sent, sentBack] = await Promise.all([
      left.do({ kind: 'send-file', host: 'alice', address: bob, name: 'there.bin', file: new Blob([there]) }),
      right.do({ kind: 'send-file', host: 'bob', address: alice, name: 'back.bin', file: new Blob([back]) }),
    ])
    expect(sent.sha256).toBe(sha256Of(there))
    expect(sentBack.sha256).toBe(sha256Of(back))
  })

  test('pass a file over a wire that loses every 15th message', { timeout: 30_000 }, async () => {
    const { left, right, bob } = await joined(15)
    const file = new Blob([randomBytes(MB)])
    const { sha256 } = await left.do({
      kind: 'send-file',
      host: 'alice',
      address: bob,
      name: 'lossy.bin',
      file,
    })
    await vi.waitFor(() => expect(right.snapshot('bob').transfers[0]?.sha256).toBe(sha256), SOON)
    expect(left.snapshot('alice').counters['tcpRetransSegs']).toBeGreaterThan(0)
  })

  test('a peer that leaves in mid-transfer fails it with a sentence and gives the memory back', async () => {
    const { left, right, bob } = await joined()
    const sending = left.do({
      kind: 'send-file',
      host: 'alice',
      address: bob,
      name: 'cut.bin',
      file: new Blob([new Uint8Array(64 * MB)]),
    })
    sending.catch(() => undefined)
    await vi.waitFor(() => expect(right.snapshot('bob').transfers[0]?.done).toBeGreaterThan(MB), SOON)
    await left.do({ kind: 'remove-peer', peer: BOBS_PAGE })
    await expect(sending).rejects.toThrow('bob has left.')
    await vi.waitFor(() => {
      expect(right.snapshot('bob').transfers[0]?.failed).toContain('alice')
      for (const host of [left.snapshot('alice'), right.snapshot('bob')])
        expect(host.connections.every(({ state }) => state === 'LISTEN')).toBe(true)
    }, SOON)
  })

  test('who announces the address of another peer’s host gets nothing, and takes nothing away with it', async () => {
    const { left, bob } = await joined()
    const { connection } = await left.do({ kind: 'connect', host: 'alice', address: bob, port: 23 })
    const wire = new WireEnd(() => false)
    const channel = wire as unknown as RTCDataChannel
    await left.do({ kind: 'add-peer', peer: 'c'.repeat(32), name: 'mallory', channel })
    const says = (macs: Uint8Array[], ttl: number) => {
      const frame = putLldp({ name: 'mallory', macs, maxFrame: 1514, ttl }, new Uint8Array(6))
      const batch = new Uint8Array(BATCH_LENGTH + frame.length)
      putFrame(batch, 0, frame)
      wire.onmessage?.(new MessageEvent('message', { data: batch.buffer }))
    }
    const bobsMac = Uint8Array.of(2, 0, 0, 0, 0, 2)
    says([bobsMac], 120)
    says([Uint8Array.of(2, 0, 0, 0, 0, 9)], 120)
    says([bobsMac], 0)
    await left.do({ kind: 'send-text', connection, text: 'still here' })
    await left.told()
    expect(left.states('alice', undefined).at(-1)).toBe('ESTABLISHED')
    expect(left.last?.peers.find(({ name }) => name === 'mallory')?.macs).toEqual([])
  })

  test('frames from a source that was not announced reach nobody, are counted and told', async () => {
    const { left, wire } = await joined()
    const forged = new Uint8Array(2 + 60)
    forged.set([0, 60, ...Array<number>(6).fill(0xff), 2, 0, 0, 0, 0, 9, 8, 0])
    wire[0].onmessage?.(new MessageEvent('message', { data: forged.buffer }))
    await left.told()
    expect(left.last?.peers[0]?.refused).toBe(1)
    expect(left.log).toContainEqual(
      expect.objectContaining({
        kind: 'notice',
        about: 'peer',
        text: expect.stringContaining('did not announce'),
      }),
    )
    const entered = left.log.findLast(record => record.kind === 'frame' && record.from === BOBS_PAGE)
    const fates = left.log.filter(
      record => record.kind === 'arrival' && entered?.kind === 'frame' && record.no === entered.no,
    )
    expect(fates).toMatchObject([{ at: 'switch', fate: { kind: 'lost' } }])
  })
})

test('a flood of events between frames is told up to a bound, and the rest counted', async () => {
  const page = open()
  const notice = { kind: 'notice', time: 0, host: 'x', about: 'text', connection: 1, text: '' } as const
  for (let n = 0; n < 5_000; n++) page.segment.log(notice)
  await page.told()
  expect(page.log).toHaveLength(1_000)
  expect(page.last?.leftOut).toBe(4_000)
  page.segment.log({ ...notice, text: 'after' })
  await page.told()
  expect(page.log.at(-1)).toMatchObject({ text: 'after' })
  expect(page.last?.leftOut).toBe(0)
})

describe('a command that is wrong', () => {
  const cases: readonly [string, Command, string][] = [
    ['an unknown host', { kind: 'remove-host', host: 'nobody' }, "There is no host 'nobody' on this page."],
    ['an unknown connection', { kind: 'send-text', connection: 99, text: 'x' }, 'There is no connection 99'],
    [
      'a wrong address',
      { kind: 'ping', host: 'alice', address: '1.2.3', count: 1 },
      "'1.2.3' is not an address, such as 169.254.1.2 or fe80::1.",
    ],
    [
      'a wrong count',
      { kind: 'ping', host: 'alice', address: '1.2.3.4', count: 0 },
      '0 is not a number of pings',
    ],
    [
      'a wrong port',
      { kind: 'connect', host: 'alice', address: '1.2.3.4', port: 70_000 },
      '70000 is not a port',
    ],
    ['a wrong peer', { kind: 'remove-peer', peer: 'x' }, 'There is no wire to a peer x.'],
    [
      'a name twice',
      { kind: 'add-host', spec: { name: 'alice', profile: 'full', memory: MB, mac: '02:00:00:00:00:05' } },
      "There is a host 'alice' already",
    ],
    [
      'a MAC twice',
      { kind: 'add-host', spec: { name: 'carol', profile: 'full', memory: MB, mac: '02:00:00:00:00:01' } },
      'Another host has the MAC address',
    ],
    [
      'a wrong name',
      { kind: 'add-host', spec: { name: 'Carol!', profile: 'full', memory: MB, mac: '02:00:00:00:00:05' } },
      "'Carol!' is not a host name",
    ],
    [
      'a group MAC',
      { kind: 'add-host', spec: { name: 'carol', profile: 'full', memory: MB, mac: '03:00:00:00:00:05' } },
      'is a group address',
    ],
    [
      "a vendor's MAC",
      { kind: 'add-host', spec: { name: 'carol', profile: 'full', memory: MB, mac: '00:00:00:00:00:05' } },
      'belongs to a vendor',
    ],
    [
      'a budget of no bytes',
      {
        kind: 'add-host',
        spec: { name: 'carol', profile: 'full', memory: Number.NaN, mac: '02:00:00:00:00:05' },
      },
      'NaN is not a budget',
    ],
  ]
  test.each(cases)('is refused: %s', async (_what, command, sentence) => {
    const page = open()
    await page.host('alice', 1)
    await expect(page.segment.command(command)).rejects.toThrow(sentence)
    await page.told()
    expect(page.last?.hosts.map(({ name }) => name)).toEqual(['alice'])
  })
})
