import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseControl } from './control.ts'
import { encodeMessage, type Message, parseMessage } from './message.ts'

const from = 'a'.repeat(32)
const to = 'b'.repeat(32)

describe('what was encoded is parsed alike:', () => {
  const messages: readonly Message[] = [
    { say: 'hello', name: 'alice', from, sequence: 1 },
    { say: 'welcome', name: 'bob', from, sequence: 2, to },
    { say: 'ready', name: 'alice', from, sequence: 3, to },
    { say: 'signal', attempt: 1, signal: { type: 'offer', sdp: 'v=0' }, from, sequence: 4, to },
    {
      say: 'signal',
      attempt: 1,
      signal: { type: 'candidate', candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 } },
      from,
      sequence: 5,
      to,
    },
    { say: 'full', from, sequence: 6, to },
    { say: 'gone', how: 'cut', from, sequence: 0 },
  ]
  test.each(messages.map(message => [message.say, message] as const))('%s', (_, message) => {
    expect(parseMessage(encodeMessage(message))).toEqual(message)
  })
})

describe('what is no message is refused:', () => {
  const hello = { say: 'hello', name: 'alice', from, sequence: 1 }
  test.each([
    ['no JSON', 'hello'],
    ['null', null],
    ['an array', [hello]],
    ['no sender', { ...hello, from: undefined }],
    ['a sender that is no session', { ...hello, from: 'alice' }],
    ['a sequence number below zero', { ...hello, sequence: -1 }],
    ['a sequence number past what is exact', { ...hello, sequence: 2 ** 53 }],
    ['a name with a line break', { ...hello, name: 'a\nb' }],
    ['a name of 64 letters', { ...hello, name: 'a'.repeat(64) }],
    ['an unknown word', { ...hello, say: 'obey' }],
    ['a hello to one', { ...hello, to }],
    ['a welcome to all', { ...hello, say: 'welcome' }],
    ['a signal without SDP', { say: 'signal', attempt: 1, signal: { type: 'offer' }, from, sequence: 1, to }],
    [
      'a signal of media',
      { say: 'signal', attempt: 1, signal: { type: 'renegotiate' }, from, sequence: 1, to },
    ],
  ])('%s', (_, value) => {
    expect(parseMessage(typeof value === 'string' ? value : JSON.stringify(value))).toBeUndefined()
  })

  test('whatever JSON it is, parsing never throws', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        parseMessage(text)
        parseControl(text)
      }),
    )
  })
})

test('what a message has beyond its form is left behind', () => {
  const text = JSON.stringify({ say: 'hello', name: 'alice', from, sequence: 1, admin: true })
  expect(parseMessage(text)).toEqual({ say: 'hello', name: 'alice', from, sequence: 1 })
})

test.each([
  ['{"ping":1}', { ping: 1 }],
  ['{"pong":1}', { pong: 1 }],
  ['{"told":null}', { told: null }],
  ['{"ping":"1"}', undefined],
  ['{"ping":1,"told":2}', undefined],
  ['{}', undefined],
  ['ping', undefined],
  [`{"told":"${'x'.repeat(64 * 1024)}"}`, undefined],
])('the control message %.20s is read as it should be', (text, control) => {
  expect(parseControl(text)).toEqual(control)
})
