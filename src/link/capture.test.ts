import { describe, expect, test } from 'vitest'
import { Capture, type CaptureReader, readPacked } from './capture.ts'
import { DELIVERED, dropped, FORWARDED } from './fate.ts'

const list = (read: (reader: CaptureReader) => void) => {
  const lines: string[] = []
  read({
    frame: (no, from, time, bytes) => lines.push(`${no} from ${from} at ${time}: ${[...bytes].join(' ')}`),
    arrival: (no, at, time, fate) => lines.push(`${no} to ${at} at ${time}: ${fate}`),
    note: (number, time) => lines.push(`note ${number} at ${time}`),
  })
  return lines
}
const told = (capture: Capture, most = 1000) => {
  const { entries, leftOut } = capture.pack(most)
  return { lines: list(reader => readPacked(entries, reader)), leftOut }
}

describe('capture', () => {
  test('tells frames, where they went, and notes, in order', () => {
    const capture = new Capture(8192)
    const no = capture.frame(1, 10.5, Uint8Array.of(1, 2, 3))
    capture.arrival(no, 2, 10.5, DELIVERED)
    capture.note(77, 11)
    capture.arrival(no, 3, 11, FORWARDED)
    expect(told(capture)).toEqual({
      lines: ['1 from 1 at 10.5: 1 2 3', '1 to 2 at 10.5: 0', 'note 77 at 11', '1 to 3 at 11: 1'],
      leftOut: 0,
    })
  })

  test('tells each entry once', () => {
    const capture = new Capture(8192)
    capture.frame(1, 0, Uint8Array.of(1))
    told(capture)
    expect(capture.pending).toBe(false)
    capture.frame(1, 1, Uint8Array.of(2))
    expect(told(capture).lines).toEqual(['2 from 1 at 1: 2'])
  })

  test('leaves out what is too much, with its arrivals but not the notes between, and says how many', () => {
    const capture = new Capture(8192)
    for (let i = 1; i <= 4; i++) {
      const no = capture.frame(1, i, Uint8Array.of(i))
      capture.note(i, i)
      capture.arrival(no, 2, i, dropped(5))
    }
    const { lines, leftOut } = told(capture, 2)
    expect(lines.filter(line => line.includes('from')).length).toBe(2)
    expect(lines.filter(line => line.includes('note')).length).toBe(4)
    expect(lines.filter(line => / to \d/.test(line)).length).toBe(2)
    expect(leftOut).toBe(2)
    expect(list(reader => capture.read(reader)).length).toBe(12)
  })

  test('the oldest go when the ring is full, and what remains is whole', () => {
    const capture = new Capture(8192)
    for (let i = 0; i < 1000; i++) {
      const no = capture.frame(1, i, new Uint8Array((i * 37) % 500).fill(i))
      capture.arrival(no, 2, i, DELIVERED)
      if (i % 10 === 0) told(capture)
    }
    const numbers: number[] = []
    capture.read({
      frame: (no, _from, time, bytes) => {
        numbers.push(no)
        expect(time).toBe(no - 1)
        expect(bytes.length).toBe(((no - 1) * 37) % 500)
        expect(bytes.every(octet => octet === ((no - 1) & 0xff))).toBe(true)
      },
      arrival: no => expect(no).toBe(numbers.at(-1)),
      note: () => undefined,
    })
    expect(numbers.at(-1)).toBe(1000)
    expect(numbers.length).toBeGreaterThan(15)
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] as number) + i))
  })

  test('what was overwritten before it was told counts as left out', () => {
    const capture = new Capture(8192)
    for (let i = 0; i < 100; i++) capture.frame(1, i, new Uint8Array(1500))
    const { lines, leftOut } = told(capture)
    expect(lines.length + leftOut).toBe(100)
    expect(lines.length).toBeLessThan(6)
  })

  test('clearing forgets frames and goes on counting', () => {
    const capture = new Capture(8192)
    capture.frame(1, 0, Uint8Array.of(1))
    capture.clear()
    expect(list(reader => capture.read(reader))).toEqual([])
    expect(capture.frame(1, 1, Uint8Array.of(1))).toBe(2)
  })
})
