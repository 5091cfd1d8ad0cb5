import { expect, test } from 'vitest'
import { macText } from '../link/mac.ts'
import { AGEING } from '../link/switch.ts'
import { LLDP_MAX_HOSTS } from '../stack/wire/lldp.ts'
import { arp, station, udp } from './frames.fixture.ts'
import { Machines } from './machines.ts'

function behindTap() {
  const told = { changes: 0 }
  const machines = new Machines(() => told.changes++)
  const all = () => machines.all.map(({ mac, address }) => [macText(mac), address])
  return { machines, told, all }
}

test('a machine is learned by its first frame, and its address by its ARP', () => {
  const { machines, told, all } = behindTap()
  expect(machines.hear(udp(1), 0)).toBe(true)
  expect(all()).toEqual([[macText(station(1)), undefined]])
  expect(machines.hear(arp(1, '10.0.0.1'), 1)).toBe(true)
  expect(all()).toEqual([[macText(station(1)), '10.0.0.1']])
  expect(told.changes).toBe(2)
  machines.hear(arp(1, '10.0.0.1'), 2)
  expect(told.changes).toBe(2)
})

test('a probe, which has no sender’s address yet, and ARP in another’s name teach no address', () => {
  const { machines, all } = behindTap()
  machines.hear(arp(1, '0.0.0.0'), 0)
  machines.hear(arp(1, '10.0.0.9', station(9)), 0)
  expect(all()).toEqual([[macText(station(1)), undefined]])
})

test('a frame that ends within its ARP packet teaches no address', () => {
  const { machines, all } = behindTap()
  machines.hear(arp(1, '10.0.0.1').subarray(0, 41), 0)
  expect(all()).toEqual([[macText(station(1)), undefined]])
})

test('the device’s own station comes first, and once', () => {
  const { machines, told, all } = behindTap()
  machines.hear(udp(2), 0)
  machines.hear(arp(1, '10.0.0.1'), 0)
  machines.setOwn({ mac: station(1), address: undefined })
  expect(all()).toEqual([
    [macText(station(1)), '10.0.0.1'],
    [macText(station(2)), undefined],
  ])
  machines.setOwn({ mac: station(1), address: '10.0.0.7' })
  expect(all()[0]).toEqual([macText(station(1)), '10.0.0.7'])
  const before = told.changes
  machines.setOwn({ mac: station(1), address: '10.0.0.7' })
  expect(told.changes).toBe(before)
})

test('there are as many as LLDP announces: one more is refused, until another has been silent for the ageing time', () => {
  const { machines } = behindTap()
  machines.setOwn({ mac: station(0), address: undefined })
  for (let n = 1; n < LLDP_MAX_HOSTS; n++) expect(machines.hear(udp(n), n)).toBe(true)
  expect(machines.hear(udp(99), 100)).toBe(false)
  expect(machines.hear(udp(0), 100)).toBe(true)
  expect(machines.all).toHaveLength(LLDP_MAX_HOSTS)
  for (let n = 2; n < LLDP_MAX_HOSTS; n++) machines.hear(udp(n), AGEING)
  machines.age(AGEING + 2)
  expect(machines.hear(udp(99), AGEING + 3)).toBe(true)
  expect(machines.all.map(({ mac }) => macText(mac))).not.toContain(macText(station(1)))
})
