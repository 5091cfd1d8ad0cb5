import { expect, test } from 'vitest'
import { checksumFault, onesComplementSum } from '../stack/wire/readable.ts'
import { withCe } from './congestion-mark.ts'

/** An Ethernet frame with a bare IPv4 header whose checksum is right. */
function ipv4(tos: number, id: number): Uint8Array {
  const bytes = new Uint8Array(34)
  const view = new DataView(bytes.buffer)
  view.setUint16(12, 0x0800)
  view.setUint16(14, 0x4500 | tos)
  view.setUint16(16, 20)
  view.setUint16(18, id)
  view.setUint16(24, ~onesComplementSum(view, 14, 34) & 0xffff)
  return bytes
}

test('ECT(0) and ECT(1) become CE, and the checksum stays right whatever it was', () => {
  for (let id = 0; id < 65_536; id += 13)
    for (const tos of [1, 2, 0xb9, 0xba]) {
      const frame = withCe(ipv4(tos, id))
      const view = new DataView(frame.buffer)
      expect(frame[15]).toBe(tos | 3)
      expect(checksumFault(view.getUint16(24), onesComplementSum(view, 14, 34))).toBeUndefined()
    }
})

test('of IPv6 the traffic class is marked, and nothing else', () => {
  const frame = new Uint8Array(60)
  new DataView(frame.buffer).setUint16(12, 0x86dd)
  new DataView(frame.buffer).setUint32(14, 0x60212345)
  expect([...withCe(frame).slice(14, 18)]).toEqual([0x60, 0x31 | 0x01, 0x23, 0x45])
})

test('what is of no ECN-capable transport, marked already or no IP is left as it is', () => {
  for (const frame of [ipv4(0, 1), ipv4(3, 1), new Uint8Array(60), new Uint8Array(3)])
    expect(withCe(frame)).toBe(frame)
})
