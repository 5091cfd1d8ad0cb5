import { expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EADDRNOTAVAIL, EINVAL } from '../errno.ts'
import { ALL_NODES, bytes, Dialogue6, PEER6 } from '../testing/dialogue6.ts'
import { groupMac, ip6, ipv6, solicitedNode, text6, udp6 } from '../testing/raw6.ts'

const GROUP = ip6('ff02::1234')
const ROUTER_GROUP = ip6('ff02::2')

/** A query by the peer for a group, or for all, to be answered within so many milliseconds. */
const query = (d: Dialogue6, delay: number, group = ip6('::'), fields = {}) =>
  d.icmp(130, 0, [delay >> 8, delay & 255, 0, 0, ...group], { to: ALL_NODES, hops: 1, ...fields })

/** The host joined the group and has said so twice. */
function joined(): Dialogue6 {
  const d = new Dialogue6()
  expect(d.stack.joinGroup6(bytes(GROUP))).toBe(0)
  d.wait(15_000)
  d.take()
  return d
}

test('a group that is joined is reported twice, to the group itself, with a router alert', () => {
  const d = new Dialogue6()
  expect(d.stack.joinGroup6(bytes(GROUP))).toBe(0)
  const report = d.next(131)
  expect([report.to, report.mac, report.from, report.hops]).toEqual([
    text6(GROUP),
    groupMac(GROUP),
    text6(d.linkLocal),
    1,
  ])
  expect(report.payload.slice(0, 8)).toEqual([58, 0, 5, 2, 0, 0, 1, 0])
  expect(report.message.slice(4)).toEqual([0, 0, 0, 0, ...GROUP])
  d.wait(10_000).next(131)
  d.quiet().wait(20_000).quiet()
  d.stack.leaveGroup6(bytes(GROUP))
})

test('what is sent to it is taken until it is left; leaving is told to routers', () => {
  const d = joined()
  const socket = d.socket(17)
  d.stack.bind(socket, 0, 5)
  const send = () => d.in(ipv6(17, udp6(9, 5, [1], PEER6, GROUP), { from: PEER6, to: GROUP }))
  expect(send()).toBe(Drop.None)
  expect(d.stack.joinGroup6(bytes(GROUP))).toBe(0)
  expect(d.stack.leaveGroup6(bytes(GROUP))).toBe(0)
  expect(send()).toBe(Drop.None)
  d.quiet()
  expect(d.stack.leaveGroup6(bytes(GROUP))).toBe(0)
  const done = d.next(132)
  expect([done.to, done.hops, done.message.slice(8)]).toEqual([text6(ROUTER_GROUP), 1, GROUP])
  expect(send()).toBe(Drop.NotAMember)
  expect(d.stack.leaveGroup6(bytes(GROUP))).toBe(EADDRNOTAVAIL)
})

test('a general query is answered for every group within its delay, all nodes excepted', () => {
  const d = joined()
  expect(query(d, 1_000)).toBe(Drop.None)
  d.wait(1_000)
  expect(
    d
      .take()
      .map(({ type, to }) => [type, to])
      .sort(),
  ).toEqual(
    [
      [131, text6(GROUP)],
      [131, text6(solicitedNode(d.linkLocal))],
    ].sort(),
  )
  d.quiet()
  d.stack.leaveGroup6(bytes(GROUP))
})

test('a query for one group is answered for that one; with no delay at once', () => {
  const d = joined()
  expect(query(d, 0, GROUP, { to: GROUP })).toBe(Drop.None)
  expect(d.next(131).to).toBe(text6(GROUP))
  d.quiet().wait(20_000).quiet()
  d.stack.leaveGroup6(bytes(GROUP))
})

test('another’s report makes ours needless, and our leaving silent', () => {
  const d = joined()
  query(d, 10_000, GROUP, { to: GROUP })
  expect(d.icmp(131, 0, [0, 0, 0, 0, ...GROUP], { to: GROUP, hops: 1 })).toBe(Drop.None)
  d.wait(20_000).quiet()
  d.stack.leaveGroup6(bytes(GROUP))
  d.quiet()
})

test.each([
  ['from afar', { hops: 2 }, Drop.BadHopLimit],
  ['from an address that is not link-local', { from: ip6('2001:db8::1') }, Drop.BadSource],
])('a query %s is dropped', (_, fields, drop) => {
  const d = joined()
  expect(query(d, 100, ip6('::'), fields)).toBe(drop)
  d.wait(1_000).quiet()
  d.stack.leaveGroup6(bytes(GROUP))
})

test('what is no group, or none of a link, cannot be joined', () => {
  const d = new Dialogue6()
  for (const address of [PEER6, ip6('::'), ip6('ff01::1'), ip6('ff00::1')])
    expect(d.stack.joinGroup6(bytes(address))).toBe(EINVAL)
  expect(d.stack.joinGroup6(new Uint8Array(4))).toBe(EINVAL)
})
