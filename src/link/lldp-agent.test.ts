import { beforeEach, describe, expect, test } from 'vitest'
import { parseLldp, putLldp } from '../stack/wire/lldp.ts'
import { DELIVERED, Loss, lost } from './fate.ts'
import { LldpAgent } from './lldp-agent.ts'
import { macText } from './mac.ts'

const ALICE = Uint8Array.of(2, 0, 0, 0, 0, 0x0a)
const CAROL = Uint8Array.of(2, 0, 0, 0, 0, 0x0c)
const SPARE = Uint8Array.of(2, 0, 0, 0, 0, 1)
const PEER = 3

let sent: { port: number; at: number; frame: Uint8Array }[]
let announced: string[]
let heard: (string | undefined)[]
let granted: (string | undefined)[]
let taken: boolean
let agent: LldpAgent

beforeEach(() => {
  sent = []
  announced = []
  heard = []
  granted = []
  taken = false
  agent = new LldpAgent(
    {
      transmit: (port, frame, at) => sent.push({ port, at, frame }),
      announce: (_port, _high, low) => {
        if (!taken) announced.push(`${low}`)
        return !taken
      },
      withdraw: () => {
        announced = []
      },
      heard: (_port, announcement) => {
        heard.push(announcement?.name)
        granted.push(announcement?.macs.map(macText).join())
      },
    },
    SPARE,
  )
})

const hello = (name: string, mac: Uint8Array, ttl = 120) =>
  putLldp({ name, macs: [mac], maxFrame: 1514, ttl }, SPARE)
const run = (until: number) => {
  for (let at = agent.pollAt(); at <= until; at = agent.pollAt()) agent.poll(at)
}

describe('LLDP agent', () => {
  test('announces name, hosts and largest frame at once when a port opens', () => {
    agent.setOwn('alice', [ALICE], 0)
    agent.add(PEER, 5)
    expect(sent.map(({ port, at }) => [port, at])).toEqual([[PEER, 5]])
    expect(parseLldp(sent[0]?.frame ?? ALICE)).toEqual({
      name: 'alice',
      macs: [ALICE],
      maxFrame: 1514,
      ttl: 121,
    })
  })

  test('repeats three times a second apart, then every 30 s', () => {
    agent.add(PEER, 0)
    run(65_000)
    expect(sent.map(({ at }) => at)).toEqual([0, 1000, 2000, 3000, 33_000, 63_000])
  })

  test('announces at once when a host is added', () => {
    agent.add(PEER, 0)
    agent.setOwn('alice', [ALICE], 100)
    expect(sent.map(({ at }) => at)).toEqual([0, 100])
  })

  test('answers a new neighbour at once, and not one that it knows', () => {
    agent.add(PEER, 0)
    agent.input(PEER, hello('carol', CAROL), 50)
    agent.input(PEER, hello('carol', CAROL), 60)
    expect(sent.map(({ at }) => at)).toEqual([0, 50])
  })

  test('lets the neighbour send from what it announced, until its time runs out', () => {
    agent.add(PEER, 0)
    expect(agent.input(PEER, hello('carol', CAROL, 10), 0)).toBe(DELIVERED)
    expect(announced).toEqual(['12'])
    expect(agent.announcement(PEER)?.macs.map(macText)).toEqual(['02:00:00:00:00:0c'])
    run(10_000)
    expect(announced).toEqual([])
    expect(heard).toEqual(['carol', undefined])
  })

  test('a repeated announcement holds for longer', () => {
    agent.add(PEER, 0)
    agent.input(PEER, hello('carol', CAROL, 10), 0)
    agent.input(PEER, hello('carol', CAROL, 10), 9000)
    run(18_000)
    expect(announced).toEqual(['12'])
  })

  test('a farewell takes everything back', () => {
    agent.add(PEER, 0)
    agent.input(PEER, hello('carol', CAROL), 0)
    agent.input(PEER, hello('carol', CAROL, 0), 1)
    expect(announced).toEqual([])
    expect(agent.announcement(PEER)).toBeUndefined()
  })

  test('says farewell when a port is taken away', () => {
    agent.add(PEER, 0)
    agent.remove(PEER, 1, true)
    expect(parseLldp(sent.at(-1)?.frame ?? ALICE)).toMatchObject({ ttl: 0 })
    expect(agent.pollAt()).toBe(Number.POSITIVE_INFINITY)
  })

  test('an address that another port has is refused', () => {
    taken = true
    agent.add(PEER, 0)
    expect(agent.input(PEER, hello('carol', ALICE), 0)).toBe(lost(Loss.AddressTaken))
  })

  test('an address that was refused is granted as soon as its holder lets go, and told only then', () => {
    taken = true
    agent.add(PEER, 0)
    agent.add(PEER + 1, 0)
    agent.input(PEER, hello('carol', CAROL), 0)
    expect(granted).toEqual([''])
    taken = false
    agent.remove(PEER + 1, 10, false)
    expect(granted).toEqual(['', macText(CAROL)])
    expect(agent.input(PEER, hello('carol', CAROL), 20)).toBe(DELIVERED)
    expect(granted).toHaveLength(2)
  })

  test('a malformed announcement is refused and changes nothing', () => {
    agent.add(PEER, 0)
    agent.input(PEER, hello('carol', CAROL), 0)
    expect(agent.input(PEER, hello('carol', CAROL).subarray(0, 20), 1)).toBe(lost(Loss.BadLldp))
    expect(announced).toEqual(['12'])
  })
})
