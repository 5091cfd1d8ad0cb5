import { expect, test } from 'vitest'
import { ENODEV } from '../errno.ts'
import type { PortFacts } from '../stack.ts'
import { Dialogue, established } from '../testing/dialogue.ts'
import { blankPort } from '../testing/port-facts.ts'
import { ethernet, HOST_MAC, icmp, ipv4, PEER_MAC } from '../testing/raw.ts'

const factsOf = (d: Dialogue, link = 0): PortFacts => {
  const facts = blankPort()
  expect(d.stack.ethtool(link, facts)).toBe(0)
  return facts
}
const echo = ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(1, icmp(8, 0, [0, 1, 0, 1])))

test('a port tells its driver, its MTU and its rings', () => {
  const d = new Dialogue({ mtu: 1400, memory: 128 * 1024 })
  expect(factsOf(d)).toMatchObject({
    driver: 'lanlet',
    up: true,
    mtu: 1400,
    rxRing: 1,
    txRing: 9,
    txWaiting: 0,
  })
  expect(d.stack.ethtool(1, blankPort())).toBe(ENODEV)
})

test('frames and bytes are counted each way as they pass, those that are no frames as errors', () => {
  const d = new Dialogue()
  d.inFrame(echo)
  const before = factsOf(d)
  d.inFrame(echo)
  d.stack.input(new Uint8Array(13), d.now)
  d.stack.input(new Uint8Array(100_000), d.now)
  const after = factsOf(d)
  expect([after.rxFrames - before.rxFrames, after.rxBytes - before.rxBytes]).toEqual([1, echo.length])
  expect([after.txFrames - before.txFrames, after.txBytes - before.txBytes]).toEqual([1, echo.length])
  expect(after.rxErrors - before.rxErrors).toBe(2)
})

test('segments are counted when the link takes them, not before', () => {
  const d = established()
  const before = factsOf(d)
  d.hold(true)
  d.send(100)
  d.inFrame(echo)
  expect(factsOf(d)).toMatchObject({ txFrames: before.txFrames, txWaiting: 1 })
  d.hold(false)
  d.out('PSH,ACK 1:101 ack 1')
  expect(factsOf(d)).toMatchObject({
    txFrames: before.txFrames + 2,
    txBytes: before.txBytes + 154 + echo.length,
  })
})

test('each link has its own counts', () => {
  const d = new Dialogue({
    links: [{ mac: Uint8Array.from([2, 0, 0, 0, 1, 1]), address: '10.1.0.1/16', mtu: 1000 }],
  })
  const before = factsOf(d).rxFrames
  d.stack.input(echo, d.now, 1)
  expect([factsOf(d).rxFrames, factsOf(d, 1).rxFrames, factsOf(d, 1).mtu]).toEqual([before, 1, 1000])
})
