import { expect, test } from 'vitest'
import { COUNTER_COUNT } from '../mib.ts'
import { Protocol, type Socket } from '../stack.ts'
import { Dialogue, established } from '../testing/dialogue.ts'
import { Dialogue6, PEER6 } from '../testing/dialogue6.ts'
import { ethernet, HOST_MAC, icmp, ipv4, PEER_MAC, udp } from '../testing/raw.ts'
import { ipv6, udp6 } from '../testing/raw6.ts'

const frame = (packet: number[]) => ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)
const spoilt = (bytes: number[], at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

test('each counter has a name, and the sums of a layer’s errors stand behind them', () => {
  const { stack } = new Dialogue()
  const names = Object.keys(stack.counters)
  expect(names.slice(COUNTER_COUNT)).toEqual([
    'ipInHdrErrors',
    'ipInAddrErrors',
    'ipInNoRoutes',
    'ipInUnknownProtos',
    'ipOutFragReqds',
    'icmpInSrcQuenchs',
    'icmpInErrors',
    'udpInErrors',
    'tcpInErrs',
    'tcpCurrEstab',
  ])
  expect(names[COUNTER_COUNT - 1]).toBe('ipOutDiscards')
})

test('errors are counted under the names that RFC 4022, 4113 and 4293 give them', () => {
  const d = new Dialogue()
  d.inFrame(frame(spoilt(ipv4(17, udp(1, 9, [1])), 10)))
  d.inFrame(frame([0x65, ...ipv4(17, udp(1, 9, [1])).slice(1)]))
  d.inFrame(frame(ipv4(99, [1])))
  d.inFrame(frame(ipv4(1, spoilt(icmp(8, 0, [0, 1, 0, 1]), 2))))
  d.inFrame(frame(ipv4(17, spoilt(udp(1, 9, [1]), 6))))
  d.inFrame(frame(ipv4(17, udp(1, 9, [1]))))
  d.inFrame(frame(ipv4(6, [1, 2, 3])))
  expect(d.stack.counters).toMatchObject({
    ipInHdrErrors: 2,
    ipInUnknownProtos: 1,
    icmpInErrors: 1,
    udpInErrors: 1,
    udpNoPorts: 1,
    tcpInErrs: 1,
  })
})

test('ICMP messages are counted each way, and datagrams that have no way', () => {
  const d = new Dialogue()
  const before = d.stack.counters
  d.inFrame(frame(ipv4(1, icmp(8, 0, [0, 1, 0, 1]))))
  const socket = d.stack.socket(Protocol.Udp) as Socket
  d.stack.sendTo(socket, new Uint8Array(1), 0x09090909, 9)
  d.stack.close(socket)
  const { icmpInMsgs = 0, icmpOutMsgs = 0, ipOutNoRoutes = 0 } = d.stack.counters
  expect(
    [icmpInMsgs, icmpOutMsgs].map((n, i) => n - (before[i === 0 ? 'icmpInMsgs' : 'icmpOutMsgs'] ?? 0)),
  ).toEqual([1, 1])
  expect(ipOutNoRoutes).toBe(1)
})

test('connections are counted while they are ESTABLISHED or in CLOSE-WAIT', () => {
  const d = established()
  expect(d.stack.counters['tcpCurrEstab']).toBe(1)
  d.listen(1, 80)
  d.in('FIN,ACK 1:1 ack 1')
  d.skip()
  expect(d.state).toBe('CLOSE-WAIT')
  expect(d.stack.counters['tcpCurrEstab']).toBe(1)
  d.close().skip()
  expect(d.stack.counters['tcpCurrEstab']).toBe(0)
})

test('what a stuck link loses, and what was for another address, is counted', () => {
  const d = new Dialogue()
  const ping = frame(ipv4(1, icmp(8, 0, [0, 1, 0, 1])))
  d.inFrame(ping)
  d.hold(true)
  for (let i = 0; i < 100; i++) d.inFrame(ping)
  const { ipOutDiscards = 0 } = d.stack.counters
  expect(ipOutDiscards).toBeGreaterThan(50)
  d.hold(false)
  d.inFrame(frame(ipv4(17, udp(1, 9, [1]), { to: [10, 0, 0, 77] })))
  expect(d.stack.counters).toMatchObject({ ipOutDiscards, ipInAddrErrors: 1 })
})

test('ICMPv6 messages are counted each way, and datagrams of IPv6 for nobody', () => {
  const d = new Dialogue6()
  const { icmp6InMsgs = 0, icmp6OutMsgs = 0, udpNoPorts = 0 } = d.stack.counters
  expect(icmp6OutMsgs).toBeGreaterThan(0)
  d.icmp(135, 0, [0, 0, 0, 0, ...d.linkLocal, 1, 1, 2, 0, 0, 0, 0, 2])
  d.icmp(128, 0, [0, 1, 0, 1])
  d.in(ipv6(17, udp6(1, 9, [1], PEER6, d.linkLocal), { from: PEER6, to: d.linkLocal }))
  expect(d.stack.counters).toMatchObject({
    icmp6InMsgs: icmp6InMsgs + 2,
    icmp6OutMsgs: icmp6OutMsgs + 3,
    udpNoPorts: udpNoPorts + 1,
  })
  d.take()
})
