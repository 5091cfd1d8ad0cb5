import { describe, expect, test } from 'vitest'
import { encodeLine, LINE_MAX, LineReader } from './lines.ts'

const lines = (...chunks: (string | Uint8Array)[]) => {
  const reader = new LineReader()
  const taken: string[] = []
  for (const chunk of chunks)
    reader.push(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk, line => taken.push(line))
  reader.end(line => taken.push(line))
  return taken
}

describe('lines', () => {
  test('end with LF or CR LF', () => expect(lines('one\ntwo\r\n\n')).toEqual(['one', 'two', '']))
  test('are put together from pieces', () =>
    expect(lines('he', 'llo\nwor', 'ld')).toEqual(['hello', 'world']))
  test('keep a character whose bytes came apart', () => {
    const bytes = new TextEncoder().encode('é\n')
    expect(lines(bytes.subarray(0, 1), bytes.subarray(1))).toEqual(['é'])
  })
  test('that are too long arrive in pieces', () =>
    expect(lines(`${'x'.repeat(LINE_MAX + 5)}\n`).map(line => line.length)).toEqual([LINE_MAX, 5]))
  test('that are exactly as long as may be are one', () =>
    expect(lines(`${'x'.repeat(LINE_MAX)}\n`).map(line => line.length)).toEqual([LINE_MAX]))
  test('that are no UTF-8 arrive with replacement characters', () =>
    expect(lines(Uint8Array.of(0xff, 0x41, 10))).toEqual(['\ufffdA']))
  test('are refused with a sentence when they are too long or several', () => {
    expect(encodeLine('x'.repeat(LINE_MAX + 1))).toContain('4097 bytes long; 4096 is the most')
    expect(encodeLine('a\nb')).toContain('no line break')
    expect(encodeLine('a')).toEqual(Uint8Array.of(97, 10))
  })
})
