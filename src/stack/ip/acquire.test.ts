import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { createStack } from '../profiles/minimal.ts'
import type { StackConfig } from '../stack.ts'
import { arp, BROADCAST_MAC, ethernet, HOST_MAC, PEER_MAC, readArp } from '../testing/raw.ts'
import { environment, Simulation } from '../testing/simulation.ts'
import { formatIpv4 } from './addresses.ts'

function host(config: Partial<StackConfig> = {}) {
  const stack = createStack({ memory: 32 * 1024, mac: Uint8Array.from(HOST_MAC), ...config }, environment(3))
  let now = 0
  const sent: { at: number; sender: string; target: string }[] = []
  const wait = (ms: number) => {
    const until = now + ms
    const pump = () =>
      stack.output(frame => {
        const question = readArp(frame)
        if (question !== undefined) {
          sent.push({ at: now, sender: question.senderIp.join('.'), target: question.targetIp.join('.') })
        }
        return true
      })
    for (pump(); stack.pollAt() <= until; pump()) {
      now = Math.max(now, stack.pollAt())
      stack.poll(now)
    }
    now = until
    stack.poll(now)
    pump()
    return sent.splice(0)
  }
  /** Another station speaks ARP with these addresses. */
  const hear = (senderIp: string, targetIp: string): Drop => {
    const packet = arp({
      operation: 1,
      senderMac: PEER_MAC,
      senderIp: senderIp.split('.').map(Number),
      targetMac: [0, 0, 0, 0, 0, 0],
      targetIp: targetIp.split('.').map(Number),
    })
    return stack.input(ethernet(BROADCAST_MAC, PEER_MAC, 0x0806, packet), now)
  }
  return { stack, wait, hear }
}

describe('an address of one’s own, RFC 3927 and RFC 5227', () => {
  test('three probes with no sender address, then two announcements; in between the host has none', () => {
    const h = host()
    const early = h.wait(140)
    expect(early.every(p => p.sender === '0.0.0.0')).toBe(true)
    expect(h.stack.address).toBe(0)
    const all = [...early, ...h.wait(5_000)]
    const address = formatIpv4(h.stack.address)
    expect(address).toMatch(/^169\.254\./)
    expect(all.map(p => p.sender)).toEqual(['0.0.0.0', '0.0.0.0', '0.0.0.0', address, address])
    expect(all.every(p => p.target === address)).toBe(true)
  })

  test('it is had within 350 ms', () => {
    const h = host()
    h.wait(350)
    expect(h.stack.address).not.toBe(0)
  })

  test('the same MAC address finds the same address again', () => {
    const first = host()
    const second = host()
    first.wait(5_000)
    second.wait(5_000)
    expect(first.stack.address).toBe(second.stack.address)
  })

  test('it lies in 169.254.1.0 to 169.254.254.255 for every MAC address', () => {
    for (let i = 0; i < 500; i++) {
      const h = host({ mac: new Uint8Array([2, i & 255, i >> 8, (i * 77) & 255, (i * 31) & 255, i & 255]) })
      h.wait(400)
      const third = (h.stack.address >>> 8) & 255
      expect(third >= 1 && third <= 254).toBe(true)
    }
  })

  test('somebody who has the candidate, or probes for it too, makes the host choose another', () => {
    const h = host()
    const [probe] = h.wait(60)
    const candidate = probe?.target ?? ''
    expect(h.hear(candidate, '169.254.9.9')).toBe(Drop.AddressConflict)
    const [next] = h.wait(120)
    expect(next?.target).not.toBe(candidate)
    expect(h.hear('0.0.0.0', next?.target ?? '')).toBe(Drop.AddressConflict)
    h.wait(5_000)
    expect(formatIpv4(h.stack.address)).not.toBe(candidate)
    expect(formatIpv4(h.stack.address)).not.toBe(next?.target)
  })

  test('after ten conflicts it tries one address a minute', () => {
    const h = host()
    for (let i = 0; i < 10; i++) {
      const [probe] = h.wait(60)
      h.hear(probe?.target ?? '', '0.0.0.0')
    }
    expect(h.wait(59_000)).toEqual([])
    expect(h.wait(1_100).length).toBeGreaterThan(0)
  })

  test('a conflict later on is answered with one announcement; a second within ten seconds costs the address', () => {
    const h = host()
    h.wait(10_000)
    const mine = formatIpv4(h.stack.address)
    expect(h.hear(mine, mine)).toBe(Drop.AddressConflict)
    expect(h.wait(0)).toMatchObject([{ sender: mine, target: mine }])
    h.wait(9_000)
    expect(formatIpv4(h.stack.address)).toBe(mine)
    h.hear(mine, mine)
    expect(h.stack.address).toBe(0)
    h.wait(5_000)
    expect(formatIpv4(h.stack.address)).not.toBe(mine)
  })

  test('conflicts more than ten seconds apart are all defended', () => {
    const h = host()
    h.wait(10_000)
    const mine = formatIpv4(h.stack.address)
    for (let i = 0; i < 5; i++) {
      h.hear(mine, mine)
      h.wait(10_001)
    }
    expect(formatIpv4(h.stack.address)).toBe(mine)
  })

  test('two hosts that took one address apart find out when their segments are joined, and one moves', () => {
    const sim = new Simulation()
    const apart = { on: true }
    sim.fault = () => (apart.on ? 'lose' : 0)
    const alice = sim.add('alice', { address: '10.0.0.7/24' })
    const bob = sim.add('bob', { address: '10.0.0.7/24' })
    sim.run(5_000)
    expect(alice.stack.address).toBe(bob.stack.address)
    apart.on = false
    alice.stack.linkUp(sim.now)
    bob.stack.linkUp(sim.now)
    sim.run(5_000)
    expect([alice.stack.address, bob.stack.address].filter(a => a === 0x0a000007).length).toBe(1)
  })
})

test('a new address from the owner is tried at once, also after one that was taken', () => {
  const h = host({ address: '10.0.0.1/24' })
  h.wait(60)
  h.hear('10.0.0.1', '10.0.0.1')
  h.stack.setAddress(0x0a000005, 24, 0)
  h.wait(1_000)
  expect(h.stack.address).toBe(0x0a000005)
})

test('an address that no host may have is refused, and the old one stays', () => {
  const h = host({ address: '10.0.0.1/24' })
  h.wait(1_000)
  for (const address of [0, 0x4000, 0x7f000001, 0xe0000001, 0xffffffff, Number.NaN])
    expect(() => h.stack.setAddress(address, 24, 0)).toThrow('A host cannot have the address')
  for (const length of [0, 33, -1, 1.5, Number.NaN])
    expect(() => h.stack.setAddress(0x0a000005, length, 0)).toThrow('prefixLength must be a whole number')
  expect(h.stack.address).toBe(0x0a000001)
})
