import { describe, expect, test } from 'vitest'
import { invitationLink, newInvitation } from '../room/invitation.ts'
import { parseArguments } from './arguments.ts'

const INVITATION = newInvitation()
const LINK = invitationLink(INVITATION, 'http://pages.example:4173/')
const parse = (...args: string[]) => parseArguments(args, 'Dora_2.example.org')

test('a link is enough: the rest has its defaults, and the name is the machine’s', () => {
  expect(parse('bridge', LINK)).toEqual({
    kind: 'bridge',
    wish: { invitation: INVITATION, page: LINK, device: 'lanlet0', address: undefined, name: 'dora-2' },
  })
})

test('device, address and name can be said, before the link or behind it', () => {
  const wish = { device: 'tap7', address: '169.254.7.7/16', name: 'printer' }
  const options = ['--tap', 'tap7', '--address', '169.254.7.7/16', '--name', 'printer']
  expect(parse('bridge', LINK, ...options)).toMatchObject({ wish })
  expect(parse('bridge', ...options, LINK)).toMatchObject({ wish })
})

test.each([
  ['localhost', 'localhost'],
  ['-_-', 'machine'],
  ['', 'machine'],
  [`${'a'.repeat(31)}--b`, 'a'.repeat(31)],
])('a machine called ‘%s’ goes by the name %s', (hostname, name) => {
  expect(parseArguments(['bridge', LINK], hostname)).toMatchObject({ wish: { name } })
})

test('without a command, or with --help, it says how it is used', () => {
  expect(parse().kind).toBe('help')
  expect(parse('bridge', '-h').kind).toBe('help')
})

describe('what cannot be done is told in a sentence', () => {
  test.each([
    ['another command', ['route', LINK], /no command ‘route’/],
    ['no link', ['bridge'], /takes the link/],
    ['two links', ['bridge', LINK, LINK], /is left over/],
    ['an unknown option', ['bridge', LINK, '--fast'], /--fast/],
    ['an option without its value', ['bridge', LINK, '--tap'], /--tap/],
    ['a link that a shell cut at its &', ['bridge', LINK.split('&')[0] ?? ''], /no key.*between quotes/],
    ['a link without a fragment', ['bridge', 'http://pages.example:4173/'], /invites nowhere/],
    ['a fragment without its page', ['bridge', new URL(LINK).hash], /invites nowhere/],
    ['a key of another length', ['bridge', LINK.slice(0, -1)], /42 characters/],
    ['a device’s name that Linux would not take', ['bridge', LINK, '--tap', 'a/b'], /no device’s name/],
    ['a name of 16 characters', ['bridge', LINK, '--tap', 'a'.repeat(16)], /no device’s name/],
    ['an address without its length', ['bridge', LINK, '--address', '169.254.7.7'], /169\.254\.7\.7\/16/],
    ['an address that is none', ['bridge', LINK, '--address', '169.254.7.256/16'], /no address/],
    ['a prefix of 33 bits', ['bridge', LINK, '--address', '10.0.0.1/33'], /no address/],
    ['a name that pages would not show', ['bridge', LINK, '--name', 'Dora Two'], /no name/],
  ])('%s', (_, args, why) => {
    const parsed = parse(...args)
    expect(parsed).toEqual({ kind: 'wrong', why: expect.stringMatching(why) })
    expect(parsed).toEqual({ kind: 'wrong', why: expect.stringMatching(/\.$/) })
  })
})
