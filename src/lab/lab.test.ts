import { describe, expect, test } from 'vitest'
import type { Command, HostSnapshot, PeerSnapshot, Update } from '../host/protocol.ts'
import { ACK, SYN } from '../stack/wire/tcp.ts'
import type { Identities } from './identity.ts'
import { Lab } from './lab.ts'
import type { SegmentLink } from './segment-link.ts'
import { fingerprint } from './told.ts'
import { ALICE, arrival, BOB, frame, tcp } from './wire.fixture.ts'

const IDENTITIES: Identities = {
  own: { name: 'alice', mac: ALICE.mac },
  neighbour: { name: 'bob', mac: BOB.mac },
  withNeighbour: true,
}

const host = (name: 'alice' | 'bob', address: string | undefined): HostSnapshot => ({
  name,
  mac: name === 'alice' ? ALICE.mac : BOB.mac,
  address,
  profile: 'full',
  ipv6: false,
  memory: { size: 65536, used: 0, peak: 0, failures: 0, pools: [] },
  connections: [],
  neighbours: [],
  counters: {},
  drops: [],
  conversations: [],
  transfers: [],
})

/** A worker that writes down what it is asked; `refuse` makes it refuse a kind of command with a sentence. */
function worker(refuse: Partial<Record<Command['kind'], string>> = {}) {
  const asked: Command[] = []
  let take: (update: Update) => void = () => undefined
  let restart: (why: string) => void = () => undefined
  const link: SegmentLink = {
    request: (command: Command) => {
      asked.push(command)
      const why = refuse[command.kind]
      return why === undefined ? Promise.resolve({} as never) : Promise.reject(new Error(why))
    },
    addPeer: () => Promise.resolve(),
    onUpdate: taker => {
      take = taker
    },
    onRestart: taker => {
      restart = taker
    },
    onFailure: () => undefined,
  }
  const tell = (part: Partial<Update>) =>
    take({
      kind: 'update',
      now: 5,
      counted: { frames: 0, connections: 0, timeOrigin: 0 },
      leftOut: 0,
      log: [],
      hosts: [],
      peers: [],
      ...part,
    })
  const kinds = () => asked.map(({ kind }) => kind)
  return { link, asked, kinds, tell, dies: () => restart('The worker that ran the hosts has ended.') }
}

describe('a page that nobody invited', () => {
  test('starts two hosts, and connects the first to the second once both have an address', async () => {
    const { link, asked, kinds, tell } = worker()
    await new Lab(link, IDENTITIES).start()
    tell({ hosts: [host('alice', ALICE.address), host('bob', undefined)] })
    expect(kinds()).toEqual(['add-host', 'add-host'])
    tell({ hosts: [host('alice', ALICE.address), host('bob', BOB.address)] })
    expect(asked.at(-1)).toEqual({ kind: 'connect', host: 'alice', address: BOB.address, port: 23 })
    tell({ hosts: [host('alice', ALICE.address), host('bob', BOB.address)] })
    expect(kinds()).toEqual(['add-host', 'add-host', 'connect'])
  })

  test('says so when a host cannot start', async () => {
    const { link } = worker({ 'add-host': 'There is no memory.' })
    const lab = new Lab(link, IDENTITIES)
    await lab.start()
    expect(lab.notices.map(({ about, text }) => [about, text])).toContainEqual([
      'error',
      'There is no memory.',
    ])
  })
})

test('an invited page runs its own host alone and opens nothing by itself', async () => {
  const { link, kinds, tell } = worker()
  await new Lab(link, { ...IDENTITIES, withNeighbour: false }).start()
  tell({ hosts: [host('alice', ALICE.address)] })
  expect(kinds()).toEqual(['add-host'])
})

test('a refused restart rejects with the worker’s sentence', async () => {
  const { link } = worker({ 'restart-host': 'It needs at least 18 KiB.' })
  await expect(new Lab(link, IDENTITIES).restart('alice', 'full', 1024, false)).rejects.toThrow(
    'It needs at least 18 KiB.',
  )
})

test('clearing the capture lets go of frames and of what was chosen, not of hosts', async () => {
  const { link, tell } = worker()
  const lab = new Lab(link, IDENTITIES)
  const syn = tcp(ALICE, BOB, { ports: [49152, 23], seq: 1, flags: SYN })
  tell({ hosts: [host('alice', ALICE.address)], log: [frame(1, 0, 'alice', syn), arrival(1, 0, 'bob')] })
  lab.select(1)
  await lab.clearCapture()
  expect([lab.log.frames.length, lab.selected, lab.hosts.length]).toEqual([0, undefined, 1])
})

test('a state that another page tells finds its frame here by what the frame says', () => {
  const { link, tell } = worker()
  const lab = new Lab(link, IDENTITIES)
  const answer = tcp(BOB, ALICE, { ports: [23, 49152], seq: 7, ack: 2, flags: SYN | ACK })
  const syn = tcp(ALICE, BOB, { ports: [49152, 23], seq: 1, flags: SYN })
  tell({ log: [frame(1, 0, 'alice', syn), frame(2, 1, 'peer', answer)] })
  const told = {
    localAddress: BOB.address,
    localPort: 23,
    remoteAddress: ALICE.address,
    remotePort: 49152,
    state: 'SYN-RECEIVED',
    frame: fingerprint(syn),
  } as const
  lab.hearState(told, 'bob')
  expect(lab.log.states).toMatchObject([{ state: 'SYN-RECEIVED', frame: 1, toldBy: 'bob' }])
  lab.hearState({ ...told, frame: 'ffffffff' }, 'bob')
  expect(lab.log.states.at(-1)?.frame).toBeUndefined()
})

test('a state that is told before its frame is logged finds it when it is', () => {
  const { link, tell } = worker()
  const lab = new Lab(link, IDENTITIES)
  const syn = tcp(ALICE, BOB, { ports: [49152, 23], seq: 1, flags: SYN })
  const end = { localAddress: BOB.address, localPort: 23, remoteAddress: ALICE.address, remotePort: 49152 }
  lab.hearState({ ...end, state: 'SYN-RECEIVED', frame: fingerprint(syn) }, 'bob')
  expect(lab.log.states.at(-1)?.frame).toBeUndefined()
  tell({ log: [frame(1, 0, 'alice', syn)] })
  expect(lab.log.states.at(-1)?.frame).toBe(1)
})

test('a page that tells of frames that never were has each frame read once', () => {
  const { link, tell } = worker()
  const lab = new Lab(link, IDENTITIES)
  const syn = tcp(ALICE, BOB, { ports: [49152, 23], seq: 1, flags: SYN })
  let reads = 0
  syn[Symbol.iterator] = () => {
    reads++
    return Uint8Array.prototype[Symbol.iterator].call(syn)
  }
  const end = { localAddress: BOB.address, localPort: 23, remoteAddress: ALICE.address, remotePort: 49152 }
  tell({ log: [frame(1, 0, 'alice', syn)] })
  for (let i = 0; i < 100; i++) lab.hearState({ ...end, state: 'CLOSED', frame: 'ffffffff' }, 'bob')
  tell({ log: [] })
  expect(reads).toBe(1)
})

test('the ladder goes to the connection that is opened, and to the conversation in which something is said', async () => {
  const { link, tell } = worker()
  const lab = new Lab(link, IDENTITIES)
  const syn = (port: number) => tcp(ALICE, BOB, { ports: [port, 23], seq: 1, flags: SYN })
  const talk = (connection: number, localPort: number) => ({
    ...{ connection, host: 'alice', remoteAddress: BOB.address, remotePort: 23, localPort },
    ...{ openedHere: true, open: true, lines: [], ended: undefined },
  })
  const alice = { ...host('alice', ALICE.address), conversations: [talk(1, 49152), talk(2, 49153)] }
  tell({
    hosts: [alice, host('bob', BOB.address)],
    log: [frame(1, 0, 'alice', syn(49152)), frame(2, 1, 'alice', syn(49153))],
  })
  const shown = () => lab.subject?.flow?.ends[0].port
  expect(shown()).toBe(49153)
  await lab.say(1, 'hello')
  expect(shown()).toBe(49152)
  await lab.talk('alice', BOB.address)
  expect(shown()).toBe(49153)
  lab.select(1)
  expect(shown()).toBe(49152)
})

test('a peer that has left keeps its name in what it said', () => {
  const { link, tell } = worker()
  const lab = new Lab(link, IDENTITIES)
  const peer = { peer: 'p1', name: 'bob', macs: [BOB.mac] } as unknown as PeerSnapshot
  tell({ hosts: [host('alice', ALICE.address)], peers: [peer] })
  lab.setTold(new Map([['p1', [BOB]]]))
  lab.setTold(new Map())
  tell({ hosts: [host('alice', ALICE.address)], peers: [] })
  expect(lab.stations.all.map(({ name }) => name)).toEqual(['alice'])
  expect(lab.stations.nameOfAddress(BOB.address)).toBe('bob')
})

describe('when the worker ends', () => {
  const talk = {
    connection: 1,
    host: 'alice',
    remoteAddress: BOB.address,
    remotePort: 23,
    localPort: 50000,
    openedHere: true,
    open: true,
    lines: [{ mine: false, text: 'hello' }],
    ended: undefined,
  }

  test('the same hosts start again, in the budgets that they had', () => {
    const { link, asked, tell, dies } = worker()
    new Lab(link, IDENTITIES)
    tell({ hosts: [{ ...host('alice', ALICE.address), profile: 'client', ipv6: true }] })
    dies()
    expect(asked).toEqual([
      {
        kind: 'add-host',
        spec: { name: 'alice', mac: ALICE.mac, profile: 'client', ipv6: true, memory: 65536 },
      },
    ])
  })

  test('what was said stays, and says why it ended', () => {
    const { link, tell, dies } = worker()
    const lab = new Lab(link, IDENTITIES)
    tell({ hosts: [{ ...host('alice', ALICE.address), conversations: [talk] }] })
    dies()
    tell({ hosts: [host('alice', ALICE.address)] })
    const ended = 'The worker that ran the hosts has ended.'
    expect(lab.conversations).toEqual([{ ...talk, open: false, ended }])
    expect(lab.notices.at(-1)?.text).toContain(ended)
  })
})
