import { describe, expect, test } from 'vitest'
import { bytes, Dialogue6, ROUTER_MAC } from '../testing/dialogue6.ts'
import { advertisement, ip6, macOption, prefixOption, text6 } from '../testing/raw6.ts'

/** A host with these addresses, by a router that everything is reached by; a deprecated one is written with a '-' before it. */
function withAddresses(...prefixes: string[]): Dialogue6 {
  const d = new Dialogue6()
  const options = prefixes.flatMap(text =>
    prefixOption({ prefix: text.replace('-', ''), valid: 60, preferred: text.startsWith('-') ? 0 : 60 }),
  )
  d.advertise(advertisement([...macOption(1, ROUTER_MAC), ...options], { lifetime: 60 }))
  d.wait(3_000)
  d.take()
  return d
}

/** The prefix of the address that the host sends to `to` from. */
function sourceTo(d: Dialogue6, to: string): string {
  const socket = d.socket(6)
  expect(d.stack.connect(socket, bytes(ip6(to)), 80)).toBe(0)
  const end = { address: 0, address6: new Uint8Array(16), port: 0 }
  d.stack.name(socket, 'local', end)
  return text6(end.address6).split(':').slice(0, 3).join(':')
}

/** RFC 6724, 5 and its examples in 10.1. */
describe('a source is chosen', () => {
  test.each([
    ['of the destination’s scope: global for global', ['2001:db8:1::'], '2001:db8:5::5', '2001:db8:1'],
    ['of the destination’s scope: link-local for link-local', ['2001:db8:1::'], 'fe80::5', 'fe80:0:0'],
    [
      'that is not deprecated, though it is nearer',
      ['-2001:db8:5::', '2001:db8:1::'],
      '2001:db8:5::5',
      '2001:db8:1',
    ],
    ['of the right scope, though it is deprecated', ['-2001:db8:1::'], '2001:db8:5::5', '2001:db8:1'],
    [
      'of the destination’s label: a unique local one for another',
      ['2001:db8:1::', 'fd00:1:2::'],
      'fd00:9:9::1',
      'fd00:1:2',
    ],
    [
      'of the destination’s label: a global one for another',
      ['fd00:1:2::', '2001:db8:1::'],
      '2001:db8:5::5',
      '2001:db8:1',
    ],
    [
      'that has the longest prefix in common',
      ['2001:db8:f000::', '2001:db8:1::'],
      '2001:db8:2::5',
      '2001:db8:1',
    ],
  ])('%s', (_, prefixes, to, source) => {
    expect(sourceTo(withAddresses(...prefixes), to)).toBe(source)
  })
})

/** RFC 6724, 6 and its examples in 10.2. */
describe('destinations are tried in this order:', () => {
  const sorted = (d: Dialogue6, ...addresses: (string | number)[]) =>
    d.stack
      .sortDestinations(
        addresses.map(address => (typeof address === 'number' ? address : bytes(ip6(address)))),
      )
      .map(address =>
        typeof address === 'number' ? 'IPv4' : text6(address).split(':').slice(0, 3).join(':'),
      )
  const FAR = 0xc6336479

  test.each([
    ['IPv6 before IPv4, both usable', ['2001:db8:1::'], [FAR, '2001:db8:5::5'], ['2001:db8:5', 'IPv4']],
    [
      'IPv4 first when there is no global IPv6 address to speak from',
      [],
      ['2001:db8:5::5', FAR],
      ['IPv4', '2001:db8:5'],
    ],
    ['the smaller scope first', ['2001:db8:1::'], ['2001:db8:5::5', 'fe80::5'], ['fe80:0:0', '2001:db8:5']],
    [
      'one whose source would be deprecated last',
      ['-2001:db8:1::'],
      ['2001:db8:1::5', 'fe80::5'],
      ['fe80:0:0', '2001:db8:1'],
    ],
    [
      'one with a matching label first',
      ['2001:db8:1::'],
      ['fd00:9:9::1', '2001:db8:5::5'],
      ['2001:db8:5', 'fd00:9:9'],
    ],
    [
      'the higher precedence first',
      ['2001:db8:1::', '2002:a00:1::'],
      ['2002:b00:1::5', '2001:db8:5::5'],
      ['2001:db8:5', '2002:b00:1'],
    ],
    [
      'the longest matching prefix first',
      ['2001:db8:1::'],
      ['2001:db9:1::5', '2001:db8:1::5'],
      ['2001:db8:1', '2001:db9:1'],
    ],
    [
      'what the rules leave equal as it was',
      ['2001:db8:1::'],
      ['2001:db8:1::6', '2001:db8:1::5'],
      ['2001:db8:1', '2001:db8:1'],
    ],
  ])('%s', (_, prefixes, given, order) => {
    expect(sorted(withAddresses(...prefixes), ...given)).toEqual(order)
  })
})
