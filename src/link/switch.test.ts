import { beforeEach, describe, expect, test } from 'vitest'
import { ARP_LENGTH, ARP_REQUEST, ARP_SENDER_MAC, putArp } from '../stack/wire/arp.ts'
import { DELIVERED, type Fate, FORWARDED, Loss, lost, UNHEARD } from './fate.ts'
import { macHighAt, macLowAt, parseMac } from './mac.ts'
import type { Port, PortKind } from './port.ts'
import { AGEING, MAX_FRAME, SWITCH_PORT, Switch } from './switch.ts'

const ALICE = '02:00:00:00:00:0a'
const BOB = '02:00:00:00:00:0b'
const CAROL = '02:00:00:00:00:0c'
const EVERYBODY = 'ff:ff:ff:ff:ff:ff'
const LLDP = '01:80:c2:00:00:0e'

const bytes = (mac: string) => parseMac(mac) ?? new Uint8Array(6)
const frame = (to: string, from: string, type = 0x0800, length = 60) => {
  const made = new Uint8Array(length)
  made.set(bytes(to), 0)
  made.set(bytes(from), 6)
  made[12] = type >>> 8
  made[13] = type
  return made
}
const arp = (from: string, sender: string) => {
  const made = frame(EVERYBODY, from, 0x0806, 14 + ARP_LENGTH)
  putArp(new DataView(made.buffer), 14, ARP_REQUEST)
  made.set(bytes(sender), 14 + ARP_SENDER_MAC)
  return made
}

class TestPort implements Port {
  ready = true
  full = false
  sent = 0
  readonly kind: PortKind
  readonly name: string
  constructor(kind: PortKind, name: string) {
    this.kind = kind
    this.name = name
  }
  send(): Fate {
    if (this.full) return lost(Loss.QueueFull)
    this.sent++
    return this.kind === 'host' ? DELIVERED : FORWARDED
  }
}

let arrivals: { at: number; fate: Fate }[]
let frames: number
let control: number
let fabric: Switch
let alice: TestPort, bob: TestPort, peer: TestPort, other: TestPort
let a: number, b: number, p: number, o: number

const announce = (port: number, mac: string) =>
  fabric.announce(port, macHighAt(bytes(mac), 0), macLowAt(bytes(mac), 0), 0)
const sent = () => [alice.sent, bob.sent, peer.sent, other.sent]

beforeEach(() => {
  arrivals = []
  frames = 0
  control = 0
  fabric = new Switch(
    { frame: () => ++frames, arrival: (_no, at, _now, fate) => arrivals.push({ at, fate }) },
    () => {
      control++
      return DELIVERED
    },
  )
  alice = new TestPort('host', 'alice')
  bob = new TestPort('host', 'bob')
  peer = new TestPort('peer', 'p')
  other = new TestPort('peer', 'o')
  a = fabric.attach(alice)
  b = fabric.attach(bob)
  p = fabric.attach(peer)
  o = fabric.attach(other)
  announce(p, CAROL)
})

describe('switch', () => {
  test('sends a frame for an unknown station to all ports but its own', () => {
    fabric.receive(a, frame(BOB, ALICE), 0)
    expect(sent()).toEqual([0, 1, 1, 1])
  })

  test('sends a frame for a known station to its port alone', () => {
    fabric.receive(b, frame(EVERYBODY, BOB), 0)
    fabric.receive(a, frame(BOB, ALICE), 1)
    expect(sent()).toEqual([1, 1, 1, 1])
  })

  test('forgets a station that was silent for the ageing time', () => {
    fabric.receive(b, frame(EVERYBODY, BOB), 0)
    fabric.age(AGEING + 1)
    fabric.receive(a, frame(BOB, ALICE), AGEING + 1)
    expect(sent()).toEqual([1, 1, 2, 2])
  })

  test('forgets the stations of a port that is gone', () => {
    fabric.receive(p, frame(EVERYBODY, CAROL), 0)
    fabric.detach(p)
    fabric.receive(a, frame(CAROL, ALICE), 1)
    expect(sent()).toEqual([1, 2, 0, 1])
  })

  test('never passes a flooded frame from one peer to another', () => {
    fabric.receive(p, frame(EVERYBODY, CAROL), 0)
    expect(sent()).toEqual([1, 1, 0, 0])
  })

  test('never passes a frame for a known station from one peer to another', () => {
    announce(o, '02:00:00:00:00:0d')
    fabric.receive(o, frame(EVERYBODY, '02:00:00:00:00:0d'), 0)
    fabric.receive(p, frame('02:00:00:00:00:0d', CAROL), 0)
    expect(other.sent).toBe(0)
    expect(arrivals.at(-1)).toEqual({ at: SWITCH_PORT, fate: lost(Loss.NoWay) })
  })

  test('what is for all while nobody else is there is unheard, what is for one has no way', () => {
    for (const port of [b, p, o]) fabric.detach(port)
    fabric.receive(a, frame(EVERYBODY, ALICE), 0)
    expect(arrivals.at(-1)).toEqual({ at: SWITCH_PORT, fate: UNHEARD })
    fabric.receive(a, frame(BOB, ALICE), 0)
    expect(arrivals.at(-1)).toEqual({ at: SWITCH_PORT, fate: lost(Loss.NoWay) })
  })

  test('does not send a frame back to where it came from', () => {
    fabric.receive(a, frame(EVERYBODY, ALICE), 0)
    fabric.receive(a, frame(ALICE, ALICE), 1)
    expect(alice.sent).toBe(0)
  })

  test('refuses a frame for one busy port, names the port and records nothing', () => {
    fabric.receive(b, frame(EVERYBODY, BOB), 0)
    bob.ready = false
    expect(fabric.receive(a, frame(BOB, ALICE), 1)).toBe(false)
    expect(fabric.busyPort).toBe(bob)
    expect([frames, bob.sent]).toEqual([1, 0])
  })

  test('a full port loses its copy of a frame for everybody and holds up nobody', () => {
    peer.ready = false
    peer.full = true
    expect(fabric.receive(a, frame(EVERYBODY, ALICE), 0)).toBe(true)
    expect(sent()).toEqual([0, 1, 0, 1])
    expect(arrivals).toContainEqual({ at: p, fate: lost(Loss.QueueFull) })
  })

  test('a busy port does not hold up frames for others', () => {
    fabric.receive(b, frame(EVERYBODY, BOB), 0)
    peer.ready = false
    expect(fabric.receive(a, frame(BOB, ALICE), 1)).toBe(true)
  })

  const refused = (from: number, bad: Uint8Array, loss: Loss) => {
    expect(fabric.receive(from, bad, 0)).toBe(true)
    expect(sent()).toEqual([0, 0, 0, 0])
    expect(arrivals).toEqual([{ at: SWITCH_PORT, fate: lost(loss) }])
  }

  test('refuses a frame shorter than its header', () => refused(a, new Uint8Array(13), Loss.Runt))
  test('refuses a frame larger than the link carries', () =>
    refused(a, frame(BOB, ALICE, 0x0800, MAX_FRAME + 1), Loss.Oversized))
  test('refuses a group address as source', () => refused(a, frame(BOB, EVERYBODY), Loss.GroupSource))
  test('refuses a source that the peer did not announce', () =>
    refused(p, frame(EVERYBODY, BOB), Loss.Unannounced))
  test('refuses a source that another peer announced', () =>
    refused(o, frame(EVERYBODY, CAROL), Loss.Unannounced))
  test('refuses ARP of a peer that names another sender', () => refused(p, arp(CAROL, BOB), Loss.ForgedArp))
  test('refuses ARP of a peer that is cut short', () =>
    refused(p, frame(EVERYBODY, CAROL, 0x0806, 14 + ARP_LENGTH - 1), Loss.ForgedArp))

  test('passes honest ARP of a peer', () => {
    fabric.receive(p, arp(CAROL, CAROL), 0)
    expect(sent()).toEqual([1, 1, 0, 0])
  })

  test('a refused source is not learned', () => {
    fabric.receive(p, frame(EVERYBODY, ALICE), 0)
    fabric.receive(b, frame(ALICE, BOB), 1)
    expect(alice.sent).toBe(1)
  })

  test('lets no second port announce an address, and a withdrawn one be announced again', () => {
    expect(announce(o, CAROL)).toBe(false)
    fabric.withdraw(p)
    expect(announce(o, CAROL)).toBe(true)
  })

  test('a host of this page has its own address, whoever announced it before', () => {
    expect(announce(p, BOB)).toBe(true)
    expect(announce(b, BOB)).toBe(true)
    fabric.receive(p, frame(ALICE, BOB), 0)
    expect(arrivals.at(-1)?.fate).toBe(lost(Loss.Unannounced))
  })

  test("keeps frames for the bridge's own group address to itself, announced or not", () => {
    fabric.receive(o, frame(LLDP, BOB, 0x88cc), 0)
    expect(control).toBe(1)
    expect(sent()).toEqual([0, 0, 0, 0])
  })

  test('sends its own frame to one port and records it', () => {
    fabric.transmit(p, frame(LLDP, ALICE, 0x88cc), 0)
    expect(sent()).toEqual([0, 0, 1, 0])
    expect(arrivals).toEqual([{ at: p, fate: FORWARDED }])
  })
})
