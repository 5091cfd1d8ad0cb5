import { describe, expect, test } from 'vitest'
import { ETIMEDOUT } from '../errno.ts'
import { createStack } from '../profiles/full.ts'
import { PacketType, Protocol, type Socket } from '../stack.ts'
import { Dialogue, established, PEER } from '../testing/dialogue.ts'
import { ethernet, HOST_MAC, icmp, ipv4, PEER_MAC, udp } from '../testing/raw.ts'
import { environment } from '../testing/simulation.ts'
import { SYSCTL_COUNT, SYSCTLS } from './sysctl.ts'

const frame = (packet: number[]) => ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)

describe('a setting', () => {
  test.each([...SYSCTLS])('%s is %i at first, and may be %i to %i', (name, initial, least, most) => {
    const { stack } = new Dialogue()
    expect(stack.sysctl(name)).toBe(initial)
    for (const value of [least, most]) {
      expect(stack.setSysctl(name, value)).toBe(0)
      expect(stack.sysctl(name)).toBe(value)
    }
    for (const value of [least - 1, most + 1, least + 0.5])
      expect(() => stack.setSysctl(name, value)).toThrow(
        new RangeError(`${name} must be a whole number from ${least} to ${most}; ${value} is not.`),
      )
    expect(stack.sysctl(name)).toBe(most)
  })

  test('that nobody knows is none', () => {
    const { stack } = new Dialogue()
    expect(SYSCTLS).toHaveLength(SYSCTL_COUNT)
    expect(stack.sysctl('net.ipv4.tcp_magic')).toBeUndefined()
    expect(() => stack.setSysctl('net.ipv4.tcp_magic', 1)).toThrow(
      new RangeError('There is no setting net.ipv4.tcp_magic.'),
    )
  })

  test('goes with a copy of the arena', () => {
    const { stack } = new Dialogue()
    stack.setSysctl('net.ipv4.tcp_retries2', 3)
    const copy = createStack({ memory: stack.arena.slice(0), mac: Uint8Array.from(HOST_MAC) }, environment(1))
    expect(copy.sysctl('net.ipv4.tcp_retries2')).toBe(3)
  })
})

describe('what the settings do', () => {
  test('tcp_fin_timeout: an orphan leaves FIN-WAIT-2 after as many seconds', () => {
    const d = established()
    d.stack.setSysctl('net.ipv4.tcp_fin_timeout', 5)
    d.close().out('FIN,ACK 1:1 ack 1')
    d.in('ACK 1:1 ack 2')
    d.wait(4_999)
    expect(d.state).toBe('FIN-WAIT-2')
    d.wait(2)
    expect(d.state).toBe('gone')
  })

  test('tcp_synack_retries: a handshake that a stranger began gets as many', () => {
    const d = new Dialogue()
    d.stack.setSysctl('net.ipv4.tcp_synack_retries', 2)
    const listener = d.listen()
    d.in('SYN 0:0 win 1000')
    d.wait(60_000)
    expect(d.skip()).toBe(2)
    d.stack.close(listener)
  })

  test('tcp_retries2: data is given up after as many tries, once they were as long as R2 asks', () => {
    const ends = (tries: number) => {
      const d = established()
      d.stack.setSysctl('net.ipv4.tcp_retries2', tries)
      d.send(10)
      while (d.state === 'ESTABLISHED') d.wait(1000)
      expect(d.stack.error(d.socket)).toBe(ETIMEDOUT)
      return d.skip()
    }
    expect(ends(15)).toBeGreaterThan(ends(8))
  })

  test('tcp_invalid_ratelimit: keep-alives are answered as often as it says, ms', () => {
    const answers = (limit: number) => {
      const d = established()
      d.stack.setSysctl('net.ipv4.tcp_invalid_ratelimit', limit)
      for (let i = 0; i < 10; i++) d.wait(10).in('ACK 0:0 ack 1')
      return d.skip()
    }
    expect([answers(500), answers(20), answers(0)]).toEqual([1, 5, 10])
  })

  test('icmp_msgs_per_sec and icmp_msgs_burst: errors are sent as fast as they say', () => {
    const d = new Dialogue()
    d.stack.setSysctl('net.ipv4.icmp_msgs_burst', 100)
    d.stack.setSysctl('net.ipv4.icmp_msgs_per_sec', 500)
    d.wait(1000)
    const errors = () => {
      d.others.length = 0
      for (let i = 0; i < 300; i++) d.inFrame(frame(ipv4(17, udp(1, 9, []))))
      return d.others.length
    }
    // One costs a token on average (icmp/errors.ts).
    expect(Math.abs(errors() - 100)).toBeLessThan(25)
    d.wait(100)
    expect(Math.abs(errors() - 50)).toBeLessThan(15)
    d.stack.setSysctl('net.ipv4.icmp_msgs_per_sec', 0)
    d.wait(10_000)
    expect(errors()).toBe(0)
  })

  test('icmp_echo_ignore_all: pings are not answered', () => {
    const d = new Dialogue()
    d.stack.setSysctl('net.ipv4.icmp_echo_ignore_all', 1)
    d.inFrame(frame(ipv4(1, icmp(8, 0, [0, 1, 0, 1]))))
    expect(d.others).toEqual([])
  })

  test('ipfrag_time: fragments wait as many seconds for the others', () => {
    const d = new Dialogue()
    d.stack.setSysctl('net.ipv4.ipfrag_time', 2)
    d.inFrame(frame(ipv4(17, udp(1, 9, new Array<number>(8).fill(1)), { fragment: 0x2000 })))
    d.wait(1_999)
    expect(d.stack.counters['ipReasmFails']).toBe(0)
    d.wait(2)
    expect(d.stack.counters['ipReasmFails']).toBe(1)
  })

  test('ip_default_ttl: what goes out has it, segments, datagrams and answers alike', () => {
    const d = established()
    const ttls: number[] = []
    d.stack.setSysctl('net.ipv4.ip_default_ttl', 9)
    const packets = d.stack.socket(Protocol.Packet, 0x0800) as Socket
    d.send(1)
    d.inFrame(frame(ipv4(1, icmp(8, 0, [0, 1, 0, 1]))))
    const datagrams = d.stack.socket(Protocol.Udp) as Socket
    d.stack.sendTo(datagrams, new Uint8Array(1), PEER, 9)
    d.wait(1)
    const into = new Uint8Array(100)
    const from = { address: 0, port: 0 }
    while (d.stack.recvFrom(packets, into, from) > 0)
      if (from.address === PacketType.Outgoing) ttls.push(into[22] ?? 0)
    expect(ttls).toEqual([9, 9, 9])
    for (const socket of [packets, datagrams]) d.stack.close(socket)
  })

  test('tcp_syncookies: 0 lets a full backlog drop SYNs, as without them', () => {
    const answers = (cookies: number) => {
      const d = new Dialogue()
      d.stack.setSysctl('net.ipv4.tcp_syncookies', cookies)
      const listener = d.listen(1)
      for (let port = 5000; port < 5003; port++) d.speakFrom(port).in('SYN 0:0 win 1000 mss 1000')
      d.stack.close(listener)
      return d.skip()
    }
    expect(answers(1)).toBeGreaterThan(answers(0))
  })

  test('neigh.default.*: how long a neighbour counts as reachable, how often and how many times it is asked for', () => {
    const d = new Dialogue()
    d.stack.setSysctl('net.ipv4.neigh.default.mcast_solicit', 2)
    d.stack.setSysctl('net.ipv4.neigh.default.retrans_time_ms', 100)
    const socket = d.stack.socket(Protocol.Udp) as Socket
    d.stack.sendTo(socket, new Uint8Array(1), PEER + 7, 9)
    d.wait(99)
    expect(d.stack.counters['arpOutRequests']).toBe(1)
    d.wait(1_000)
    expect([d.stack.counters['arpOutRequests'], d.stack.counters['arpFailures']]).toEqual([2, 1])
    d.stack.setSysctl('net.ipv4.neigh.default.base_reachable_time_ms', 2000)
    d.stack.sendTo(socket, new Uint8Array(1), PEER, 9)
    d.wait(1)
    d.stack.sendTo(socket, new Uint8Array(1), PEER, 9)
    d.wait(2_000 + 4_990)
    const before = d.stack.counters['arpOutRequests'] ?? 0
    d.wait(20)
    expect(d.stack.counters['arpOutRequests']).toBe(before + 1)
    d.stack.close(socket)
  })
})
