/** A segment with our server and several of our clients. */
import { expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { formatIpv4 } from '../ip/addresses.ts'
import { Protocol, type Socket } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import { arp, BROADCAST_MAC, ethernet, PEER_MAC } from '../testing/raw.ts'
import { readDhcp } from '../testing/raw-dhcp.ts'
import { connectPair, type SimulatedHost, Simulation } from '../testing/simulation.ts'

const POOL = {
  first: '10.0.0.100',
  last: '10.0.0.103',
  lease: 600,
  router: '10.0.0.254',
  dns: ['10.0.0.53'],
  domain: 'home.arpa',
}

function segment(clients: number, pool = POOL) {
  const sim = new Simulation()
  const server = sim.add('server', { dhcpServer: pool })
  sim.run(2_000)
  const hosts = Array.from({ length: clients }, (_, i) => sim.add(`c${i}`, { address: 'dhcp' }))
  return { sim, server, hosts }
}

const addresses = (hosts: readonly SimulatedHost[]) => hosts.map(({ stack }) => formatIpv4(stack.address))
const said = (sim: Simulation) =>
  sim.wire.flatMap(({ from, bytes }) => {
    const message = readDhcp(bytes)
    return message === undefined ? [] : [`${from} ${message.type}`]
  })

test('a client asks, is offered, requests, has it, and speaks to the server', () => {
  const { sim, server, hosts } = segment(1)
  sim.run(3_000)
  expect(said(sim)).toEqual(['c0 DISCOVER', 'server OFFER', 'c0 REQUEST', 'server ACK'])
  expect(addresses(hosts)).toEqual(['10.0.0.100'])
  const { near } = connectPair(sim, hosts[0] as SimulatedHost, server)
  expect(near).toBeGreaterThan(0)
  expectSound(server.stack)
})

test('each client has an address of its own; one too many has a link-local one, and gets one that is given back', () => {
  const { sim, hosts } = segment(5)
  sim.run(40_000)
  const given = addresses(hosts)
  const lent = given.filter(a => a.startsWith('10.')).sort()
  expect(lent).toEqual(['10.0.0.100', '10.0.0.101', '10.0.0.102', '10.0.0.103'])
  expect(given.filter(a => a.startsWith('169.254.'))).toHaveLength(1)
  hosts[given.indexOf('10.0.0.102')]?.stack.leave()
  sim.run(200_000)
  expect(addresses(hosts).sort()).toEqual(['0.0.0.0', ...lent])
})

test('a lease is renewed at half of its time, by unicast, and its connections go on', () => {
  const { sim, server, hosts } = segment(1)
  sim.run(3_000)
  const client = hosts[0] as SimulatedHost
  const { near, far } = connectPair(sim, client, server)
  sim.wire.length = 0
  sim.run(3_000_000)
  const messages = sim.wire.flatMap(({ at, bytes }) => {
    const message = readDhcp(bytes)
    return message === undefined ? [] : [{ at, ...message }]
  })
  expect(new Set(messages.map(({ type }) => type))).toEqual(new Set(['REQUEST', 'ACK']))
  expect(new Set(messages.map(({ to }) => to))).toEqual(new Set(['10.0.0.1', '10.0.0.100']))
  expect(messages.length).toBe(2 * Math.floor(3_000_000 / 300_000))
  expect(client.stack.send(near, Uint8Array.of(1))).toBe(1)
  sim.run(100)
  expect(server.stack.recv(far, new Uint8Array(9))).toBe(1)
})

test('a client finds its old address after its lease was given back', () => {
  const { sim, hosts } = segment(2)
  sim.run(3_000)
  const before = addresses(hosts)
  for (const { stack } of hosts) stack.leave()
  sim.run(1_000)
  expect(addresses(hosts)).toEqual(['0.0.0.0', '0.0.0.0'])
  for (const { stack } of [...hosts].reverse()) stack.linkUp(sim.now)
  sim.run(3_000)
  expect(addresses(hosts)).toEqual(before)
})

test('all memory is given back: the server forgets a day after', () => {
  const sim = new Simulation()
  const server = sim.add('server', { dhcpServer: POOL })
  const baseline = server.stack.memory.used
  sim.run(2_000)
  const client = sim.add('c', { address: 'dhcp' })
  const before = client.stack.memory.used
  sim.run(3_000)
  client.stack.leave()
  sim.run(2 * 24 * 3600 * 1000)
  expect(server.stack.memory.used).toBe(baseline)
  expect(client.stack.memory.used).toBe(before)
  client.stack.setAddress(0x0a000063, 24, 0)
  sim.run(3_000)
  expect(client.stack.memory.used).toBeLessThan(before)
  expectSound(client.stack)
})

test('while no server answers a link-local address serves; when one comes the host moves to its lease, and what is under way goes on (RFC 3927, 1.9)', () => {
  const sim = new Simulation()
  const alice = sim.add('alice', { address: 'dhcp' })
  const bob = sim.add('bob', { address: 'dhcp' })
  sim.run(30_000)
  expect(addresses([alice, bob]).every(a => a.startsWith('169.254.'))).toBe(true)
  const { near, far, listener } = connectPair(sim, alice, bob)
  bob.stack.close(listener)
  sim.add('server', { dhcpServer: POOL })
  sim.run(130_000)
  expect(addresses([alice, bob]).sort()).toEqual(['10.0.0.100', '10.0.0.101'])
  expect(alice.stack.send(near, Uint8Array.of(1))).toBe(1)
  sim.run(100)
  expect(bob.stack.recv(far, new Uint8Array(9))).toBe(1)
  const of = ({ stack }: SimulatedHost) => stack.addresses.map(({ address }) => formatIpv4(address))
  expect(of(alice)).toHaveLength(2)
  // Nothing new begins with the old address, also to a host that has such a one alone.
  const other = alice.stack.socket(Protocol.Tcp) as Socket
  alice.stack.connect(other, 0xa9fe0909, 9)
  const end = { address: 0, port: 0 }
  alice.stack.name(other, 'local', end)
  expect(end.address).toBe(alice.stack.address)
  for (const [host, socket] of [
    [alice, other],
    [alice, near],
    [bob, far],
  ] as const)
    host.stack.close(socket)
  sim.run(200_000)
  expect([of(alice), of(bob)]).toEqual([addresses([alice]), addresses([bob])])
  for (const { stack } of [alice, bob]) expectSound(stack)
})

test('a link-local address that stays for its connections is nobody’s to defend: another host that has it ends them', () => {
  const sim = new Simulation()
  const [alice, bob] = [sim.add('alice', { address: 'dhcp' }), sim.add('bob', { address: 'dhcp' })]
  sim.run(30_000)
  const old = alice.stack.address
  const { near, listener } = connectPair(sim, alice, bob)
  bob.stack.close(listener)
  sim.add('server', { dhcpServer: POOL })
  sim.run(130_000)
  expect(alice.stack.error(near)).toBe(0)
  const ip = formatIpv4(old).split('.').map(Number)
  const announced = {
    operation: 1,
    senderMac: PEER_MAC,
    senderIp: ip,
    targetMac: [0, 0, 0, 0, 0, 0],
    targetIp: ip,
  }
  expect(alice.stack.input(ethernet(BROADCAST_MAC, PEER_MAC, 0x0806, arp(announced)), sim.now)).toBe(
    Drop.AddressConflict,
  )
  expect(alice.stack.error(near)).toBeLessThan(0)
  expect(alice.stack.addresses).toHaveLength(1)
})

test('a program cannot have the ports of DHCP where it is in use', () => {
  const { server } = segment(0)
  const socket = server.stack.socket(Protocol.Udp) as Socket
  expect(server.stack.bind(socket, 0, 67)).toBe(-98)
  expect(server.stack.bind(socket, 0, 68)).toBe(0)
})
