import { expect, test } from 'vitest'
import { COUNTER_COUNT } from '../mib.ts'
import { Protocol, type Socket } from '../stack.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { ethernet, HOST_MAC, icmp, ipv4, PEER_MAC, udp } from '../testing/raw.ts'

const frame = (packet: number[]) => ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)
const spoilt = (bytes: number[], at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

test('each counter has a name, and the sums of a layer’s errors stand behind them', () => {
  const { stack } = new Dialogue()
  const names = Object.keys(stack.counters)
  expect(names.slice(COUNTER_COUNT)).toEqual([
    'ipInHdrErrors',
    'ipInUnknownProtos',
    'icmpInErrors',
    'udpInErrors',
    'tcpInErrs',
  ])
  expect(names[COUNTER_COUNT - 1]).toBe('tcpReclaimedOutOfOrder')
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
