import { describe, expect, test } from 'vitest'
import type { HostSnapshot, PeerSnapshot } from '../host/protocol.ts'
import { Stations } from './stations.ts'
import { ALICE, BOB } from './wire.fixture.ts'

const HERE = { ...ALICE } as unknown as HostSnapshot
const peer = (name: string, ...macs: string[]) => ({ peer: 'p1', name, macs }) as unknown as PeerSnapshot

describe('who is who', () => {
  test('a peer’s host is named and found as its page tells, for the MAC that it announced', () => {
    const stations = new Stations([HERE], [peer('bob', BOB.mac)], new Map([['p1', [BOB]]]))
    expect(stations.byAddress(BOB.address)).toEqual({ ...BOB, where: { kind: 'peer', peer: 'p1' } })
    expect(stations.nameOf(BOB.mac)).toBe('bob')
  })

  test('a told host whose MAC was not announced is not believed', () => {
    const stations = new Stations([HERE], [peer('bob')], new Map([['p1', [BOB]]]))
    expect(stations.byMac(BOB.mac)).toBeUndefined()
  })

  test('a page that tells of our own address does not take its place', () => {
    const forged = { ...BOB, address: ALICE.address }
    const stations = new Stations([HERE], [peer('bob', BOB.mac)], new Map([['p1', [forged]]]))
    expect(stations.nameOfAddress(ALICE.address)).toBe('alice')
  })

  test('two of the same name are told apart by the end of the MAC', () => {
    const other = { ...BOB, name: 'alice' }
    const stations = new Stations([HERE], [peer('alice', BOB.mac)], new Map([['p1', [other]]]))
    expect(stations.all.map(({ name }) => name)).toEqual(['alice', 'alice-0b'])
  })

  test('who has left is no station any more, but its frames still have its name', () => {
    const before = new Stations([HERE], [peer('bob', BOB.mac)], new Map([['p1', [BOB]]]))
    // Its page stops telling of it before its wire is gone.
    const leaving = new Stations([HERE], [peer('bob', BOB.mac)], new Map(), before)
    const after = new Stations([HERE], [], new Map(), leaving)
    expect(after.all.map(({ name }) => name)).toEqual(['alice'])
    expect([after.nameOf(BOB.mac), after.nameOfAddress(BOB.address)]).toEqual(['bob', 'bob'])
  })
})
