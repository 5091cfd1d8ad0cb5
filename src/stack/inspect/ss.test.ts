import { expect, test } from 'vitest'
import { NameType, Protocol, type Socket } from '../stack.ts'
import { assemble } from '../testing/bpf.ts'
import { Dialogue, established, PEER } from '../testing/dialogue.ts'
import { bytes, Dialogue6, PEER6 } from '../testing/dialogue6.ts'
import { ethernet, HOST_MAC, ipv4, PEER_MAC, udp } from '../testing/raw.ts'
import { formatIpv6 } from '../wire/address6.ts'
import { blankSocket, inspectConnection } from './inspect.ts'
import { ss } from './ss.ts'

test('each socket of a host is a line, with what it waits for', () => {
  const d = established()
  const listener = d.listen(4, 80)
  const datagrams = d.stack.socket(Protocol.Udp) as Socket
  d.stack.bind(datagrams, 0, 53)
  d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(17, udp(1, 53, [1, 2, 3]))))
  d.send(100)
  d.skip()
  d.wait(50)
  expect(ss(d.stack).split('\n')).toEqual([
    'Netid State       Recv-Q  Send-Q  Local Address:Port    Peer Address:Port',
    'tcp   LISTEN      0       4       *:80                  *:*',
    'tcp   ESTAB       0       100     10.0.0.1:7            10.0.0.2:4000         timer:(retransmission,150ms,0) rto:200 rtt:0.001/0.001 mss:1000 cwnd:10 unacked:100 snd_wnd:8192 rcv_wnd:27740',
    'udp   UNCONN      3       0       *:53                  *:*',
  ])
  for (const socket of [listener, datagrams]) d.stack.close(socket)
})

test('a question that waits for its answer is no socket of a protocol, and is not listed', () => {
  const d = new Dialogue({ dns: ['10.0.0.2'] })
  const question = d.stack.resolve('example.com', NameType.A) as Socket
  expect(question).toBeGreaterThan(0)
  expect(ss(d.stack).split('\n').slice(1)).toEqual([])
  d.stack.close(question)
  d.others.length = 0
})

test('ends with IPv6 addresses are written as such', () => {
  const d = new Dialogue6()
  const socket = d.socket(17)
  d.stack.bind(socket, bytes(d.linkLocal), 5000)
  d.stack.connect(socket, bytes(PEER6), 9)
  const other = d.socket(17)
  d.stack.bind(other, 0, 53)
  expect(ss(d.stack)).toContain(`[${formatIpv6(bytes(d.linkLocal))}]:5000 [fe80::2]:9`)
  expect(ss(d.stack)).toMatch(/\*:53 +\*:\*/)
})

test('a walk finds every socket once, wherever in the arena it lies, and what it tells is what the records say', () => {
  const d = established()
  const { stack } = d
  const others: Socket[] = []
  for (let i = 0; i < 60; i++)
    others.push(stack.socket(i % 2 === 0 ? Protocol.Udp : Protocol.Raw, 99) as Socket)
  for (const socket of others.splice(10, 20)) stack.close(socket)
  const record = blankSocket()
  const found: number[] = []
  for (let at = stack.nextSocket(0, record); at !== 0; at = stack.nextSocket(at, record)) {
    found.push(at)
    if (at !== d.socket) continue
    const { cwnd, mss, sndWnd, rcvWnd } = inspectConnection(stack.arena, at) ?? {}
    expect(record).toMatchObject({ cwnd, mss, sndWnd, rcvWnd, remoteAddress: PEER, protocol: Protocol.Tcp })
  }
  expect(found.sort()).toEqual([...others, d.socket].sort())
  for (const socket of others) stack.close(socket)
})

test('what a raw socket had no room for is shown as drops', () => {
  const d = established()
  const socket = d.stack.socket(Protocol.Raw, 99) as Socket
  d.stack.attachFilter(socket, assemble('ret #20'))
  for (let i = 0; i < 30; i++) d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(99, [i])))
  expect(ss(d.stack)).toMatch(/^raw +UNCONN +180 +0 +\*:99 +\*:\* +drops:21$/m)
  d.stack.close(socket)
})
