import { expect, test } from 'vitest'
import { bytes, Dialogue6, PEER6 } from '../testing/dialogue6.ts'
import { advertisement, ip6, macOption, prefixOption } from '../testing/raw6.ts'
import { inspectDestinations6, inspectNeighbours6, inspectPrefixes6 } from './ipv6.ts'

test("a host's tables of IPv6 are read from its arena, and from a copy of it", () => {
  const d = new Dialogue6()
  const prefix = prefixOption({ prefix: '2001:db8:1::', valid: 600, preferred: 300 })
  d.advertise(advertisement([...macOption(1, [2, 0, 0, 0, 0, 0x99]), ...prefix]))
  const socket = d.socket(17)
  d.stack.connect(socket, bytes(ip6('2001:db8:9::9')), 9)
  d.stack.send(socket, new Uint8Array(3))
  d.stack.sendTo(d.socket(17), new Uint8Array(3), bytes(PEER6), 9)
  const arena = d.stack.arena.slice(0)
  expect(inspectPrefixes6(arena)).toEqual([{ prefix: '2001:db8:1::', bits: 64, validFor: 600 }])
  expect(inspectNeighbours6(arena)).toEqual(
    expect.arrayContaining([
      { address: 'fe80::99', mac: '02:00:00:00:00:99', state: 'delay', isRouter: true },
      { address: 'fe80::2', mac: '00:00:00:00:00:00', state: 'incomplete', isRouter: false },
    ]),
  )
  expect(inspectDestinations6(arena)).toEqual(
    expect.arrayContaining([{ address: '2001:db8:9::9', hop: 'fe80::99', pathMtu: 1500 }]),
  )
  d.wait(5000)
  d.take()
})

test('a host without IPv6 has none of them', () => {
  const d = new Dialogue6(false, { mtu: 1000 })
  expect(d.stack.ipv6?.off).toBeDefined()
  expect([inspectPrefixes6(d.stack.arena), inspectNeighbours6(d.stack.arena)]).toEqual([[], []])
})
