import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arena, PAGE, PAGE_LENGTH, PAGE_NEXT, PAGE_OFFSET } from '../memory/arena.ts'
import { checksum } from '../testing/raw.ts'
import { complement, sumBytes, sumChain } from './checksum.ts'

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

test('over a chain of pages, of odd lengths and alignments, it is that of the bytes in one row', () => {
  const m = new Arena(new ArrayBuffer(8 * PAGE))
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(parts, fc.integer({ min: 26, max: 60 }), fc.nat(40), (pieces, offset, less) => {
      pieces.forEach((piece, i) => {
        const page = PAGE * (i + 1)
        m.bytes.fill(0xff, page, page + PAGE)
        m.bytes.set(piece, page + offset + i)
        m.put16(page + PAGE_OFFSET, offset + i)
        m.put16(page + PAGE_LENGTH, piece.length)
        m.put32(page + PAGE_NEXT, i + 1 < pieces.length ? page + PAGE : 0)
      })
      const all = pieces.flatMap(piece => [...piece])
      const length = Math.max(0, all.length - less)
      m.put16(0, complement(sumChain(m, PAGE, length)))
      return m.view.getUint16(0) === checksum(all.slice(0, length))
    }),
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
