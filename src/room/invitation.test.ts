import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { invitationLink, newInvitation, parseInvitation } from './invitation.ts'

const KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'
const key = Uint8Array.from({ length: 32 }, (_, i) => i)

test('a link says what was invited to, whatever the key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), anyKey => {
      const link = invitationLink({ room: 'quiet-heron', key: anyKey }, 'https://example.org/lan/?a=1#old')
      expect(parseInvitation(link)).toEqual({
        kind: 'invitation',
        invitation: { room: 'quiet-heron', key: anyKey },
      })
    }),
  )
})

test('the secret stands behind the #, where no request carries it', () => {
  const link = new URL(invitationLink({ room: 'quiet-heron', key }, 'http://192.168.1.5:5173/'))
  expect(link.href).toBe(`http://192.168.1.5:5173/#room=quiet-heron&key=${KEY}`)
  expect(link.pathname + link.search).toBe('/')
})

test('a broker of its own travels with the link', () => {
  const invitation = { room: 'quiet-heron', key, broker: 'wss://broker.example.org/mqtt?a=b&c' }
  expect(parseInvitation(invitationLink(invitation, 'https://example.org/'))).toEqual({
    kind: 'invitation',
    invitation,
  })
})

test('a new room has two words and a key that no other has', () => {
  const [one, other] = [newInvitation(), newInvitation()]
  expect(one.room).toMatch(/^[a-z]+-[a-z]+$/)
  expect(one.key).toHaveLength(32)
  expect(one.key).not.toEqual(other.key)
  expect(parseInvitation(invitationLink(one, 'http://localhost/')).kind).toBe('invitation')
})

test.each(['', '#', 'http://localhost:5173/', 'http://localhost:5173/#'])('‘%s’ invites nowhere', text => {
  expect(parseInvitation(text)).toEqual({ kind: 'none' })
})

describe('a link that is wrong says what is wrong and what would be right:', () => {
  test.each([
    ['no key', '#room=quiet-heron', /no key.*key=…/],
    ['an empty key', '#room=quiet-heron&key=', /no key/],
    ['no room', `#key=${KEY}`, /names no room.*room=…/],
    ['a key cut short', `#room=quiet-heron&key=${KEY.slice(0, -3)}`, /40 characters and should have 43/],
    ['a key too long', `#room=quiet-heron&key=${KEY}AA`, /45 characters and should have 43/],
    ['a strange character', `#room=quiet-heron&key=${KEY.slice(0, -1)}!`, /holds ‘!’/],
    ['a plus of the other base64', `#room=quiet-heron&key=${KEY.slice(0, -1)}+`, /holds ‘\+’/],
    [
      'a last character that no 32 bytes end in',
      `#room=quiet-heron&key=${KEY.slice(0, -1)}9`,
      /ends in a character/,
    ],
    ['a room in capitals', `#room=Quiet%20Heron&key=${KEY}`, /quiet-heron/],
    ['two keys', `#room=quiet-heron&key=${KEY}&key=${KEY}`, /two keys/],
    ['something else', `#room=quiet-heron&key=${KEY}&token=x`, /‘token’/],
    ['a broker that is none', `#room=quiet-heron&key=${KEY}&broker=http://x`, /ws:\/\/ or wss:\/\//],
  ])('%s', (_, text, why) => {
    expect(parseInvitation(text)).toEqual({ kind: 'wrong', why: expect.stringMatching(why) })
  })
})
