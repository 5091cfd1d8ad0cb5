import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arena } from '../memory/arena.ts'
import { checksum } from '../testing/raw.ts'
import { complement, sumBytes } from './checksum.ts'

test('at every alignment and length it is what RFC 1071, 4.1 computes byte by byte', () => {
  const m = new Arena(new ArrayBuffer(4096))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 0, max: 63 }), (data, offset) => {
      m.bytes.fill(0xff)
      m.bytes.set(data, offset)
      m.put16(4000, complement(sumBytes(m, offset, data.length)))
      return m.view.getUint16(4000) === checksum([...data])
    }),
    { numRuns: 2000 },
  )
})

test('RFC 1071, 3: the example’s bytes sum to ddf2', () => {
  const m = new Arena(new ArrayBuffer(64))
  m.bytes.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 0)
  m.put16(32, sumBytes(m, 0, 8))
  expect(m.view.getUint16(32)).toBe(0xddf2)
})

test('the longest run of all ones does not overflow', () => {
  const m = new Arena(new ArrayBuffer(65_536))
  m.bytes.fill(0xff)
  expect(complement(sumBytes(m, 0, 65_536))).toBe(0)
})
