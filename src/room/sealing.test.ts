import { expect, test } from 'vitest'
import { createSealing } from './sealing.ts'
import { MAX_MESSAGE, TOPIC } from './topic.ts'

const key = new Uint8Array(32).fill(7)
const sealing = createSealing({ room: 'quiet-heron', key })
const { topic } = sealing

test('what was sealed opens with the same key, on the same topic', () => {
  expect(sealing.open(topic, sealing.seal(topic, 'grüß dich'))).toEqual({ ok: true, text: 'grüß dich' })
})

test('the topic is of the form that the broker carries, and tells neither name nor key', () => {
  expect(topic).toMatch(TOPIC)
  expect(topic).not.toContain('heron')
  expect(createSealing({ room: 'quiet-heron', key }).topic).toBe(topic)
  expect(createSealing({ room: 'quiet-crane', key }).topic).not.toBe(topic)
  expect(createSealing({ room: 'quiet-heron', key: new Uint8Array(32).fill(8) }).topic).not.toBe(topic)
})

test('the same words are never sealed alike', () => {
  expect(sealing.seal(topic, 'hello')).not.toEqual(sealing.seal(topic, 'hello'))
})

test('every single bit that was turned on its way is noticed', () => {
  const message = sealing.seal(topic, 'hello')
  for (let bit = 0; bit < message.length * 8; bit++) {
    const turned = message.slice()
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(sealing.open(topic, turned)).toEqual({
      ok: false,
      reason: bit < 8 ? 'malformed' : 'not-authentic',
    })
  }
})

test('a message that was moved to another topic does not open', () => {
  const message = sealing.seal(topic, 'hello')
  expect(sealing.open(`${topic}/00000000000000000000000000000000`, message)).toEqual({
    ok: false,
    reason: 'not-authentic',
  })
})

test('another key opens nothing', () => {
  const stranger = createSealing({ room: 'quiet-heron', key: new Uint8Array(32).fill(8) })
  expect(sealing.open(topic, stranger.seal(topic, 'hello'))).toEqual({ ok: false, reason: 'not-authentic' })
})

test.each([
  ['nothing', new Uint8Array(0), 'malformed'],
  ['a message too short for its tag', new Uint8Array(40).fill(1), 'malformed'],
  ['another version', new Uint8Array(64).fill(2), 'malformed'],
  ['garbage of this version', new Uint8Array(64).fill(1), 'not-authentic'],
  ['more than a message may be', new Uint8Array(MAX_MESSAGE + 1).fill(1), 'oversize'],
])('%s is refused', (_, message, reason) => {
  expect(sealing.open(topic, message)).toEqual({ ok: false, reason })
})

test('too long a text is not sealed', () => {
  expect(() => sealing.seal(topic, 'x'.repeat(MAX_MESSAGE))).toThrow(RangeError)
})
