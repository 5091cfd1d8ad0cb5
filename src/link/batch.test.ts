import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BATCH_LENGTH, putFrame, takeFrames } from './batch.ts'

const frames = (batch: Uint8Array) => {
  const taken: number[][] = []
  const whole = takeFrames(batch, frame => taken.push([...frame]))
  return { whole, taken }
}

describe('batch', () => {
  test('puts the length big-endian before the frame', () => {
    const batch = new Uint8Array(BATCH_LENGTH + 300)
    expect(putFrame(batch, 0, new Uint8Array(300).fill(7))).toBe(302)
    expect([...batch.subarray(0, 3)]).toEqual([1, 44, 7])
  })

  test('what was put in comes out, frame by frame', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 1514 }), { minLength: 1, maxLength: 12 }),
        list => {
          const batch = new Uint8Array(list.reduce((sum, frame) => sum + BATCH_LENGTH + frame.length, 0))
          let at = 0
          for (const frame of list) at = putFrame(batch, at, frame)
          expect(frames(batch)).toEqual({ whole: true, taken: list.map(frame => [...frame]) })
        },
      ),
    )
  })

  test('an empty message is malformed', () => {
    expect(frames(new Uint8Array(0))).toEqual({ whole: false, taken: [] })
  })

  test('the frames before a cut count, the cut one does not', () => {
    expect(frames(Uint8Array.of(0, 2, 1, 2, 0, 5, 9))).toEqual({ whole: false, taken: [[1, 2]] })
  })

  test('an empty frame ends the batch', () => {
    expect(frames(Uint8Array.of(0, 0, 0, 1, 9))).toEqual({ whole: false, taken: [] })
  })

  test('half a length at the end is malformed', () => {
    expect(frames(Uint8Array.of(0, 1, 9, 0))).toEqual({ whole: false, taken: [[9]] })
  })

  test('no message makes it read beyond its end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), batch => {
        let seen = 0
        takeFrames(batch, frame => {
          seen += BATCH_LENGTH + frame.length
        })
        expect(seen).toBeLessThanOrEqual(batch.length)
      }),
    )
  })
})
