import { describe, expect, test } from 'vitest'
import { parseFilter } from './filter.ts'
import type { Packet } from './packet.ts'

const SYN: Packet = {
  no: 1,
  time: 0,
  from: 'alice',
  to: 'bob',
  protocol: 'TCP',
  length: 58,
  info: '49152 → 23 [SYN] Seq=0',
  meaning: 'syn',
  lost: undefined,
}
const ARP: Packet = { ...SYN, to: 'broadcast', protocol: 'ARP', info: 'Who has 169.254.9.2?' }
const LOST: Packet = { ...SYN, info: '[The memory budget is used up] 49152 → 23 [SYN] Seq=0' }

const passes = (text: string, packet: Packet): boolean => {
  const filter = parseFilter(text)
  return filter.kind === 'all' || (filter.kind === 'words' && filter.passes(packet))
}
const why = (text: string): string | undefined => {
  const filter = parseFilter(text)
  return filter.kind === 'wrong' ? filter.why : undefined
}

describe('the filter', () => {
  test.each([
    ['', true, true],
    ['tcp', true, false],
    ['TCP alice', true, false],
    ['-arp', true, false],
    ['--arp', false, true],
    ['host:bob', true, false],
    ['from:alice', true, true],
    ['port:23', true, false],
    ['port:2', false, false],
    ['port:49152 syn', true, false],
    ['info:who', false, true],
    ['02:00:00', false, false],
  ])('‘%s’ lets through what it names', (text, syn, arp) => {
    expect([passes(text, SYN), passes(text, ARP)]).toEqual([syn, arp])
  })

  test('finds the port of a frame that was dropped', () => expect(passes('port:23', LOST)).toBe(true))

  test('an unknown key says which there are', () =>
    expect(why('hots:alice')).toBe(
      'There is no key ‘hots’: use proto, host, from, to, info, port, or a plain word.',
    ))
  test('a word that every object knows is no key', () =>
    expect(why('constructor:x')).toContain('There is no key ‘constructor’'))
  test('any number of minus signs is counted', () =>
    expect(passes(`${'-'.repeat(50_001)}arp`, SYN)).toBe(true))
  test('a port that is none says what one is', () =>
    expect(why('port:telnet')).toBe('‘telnet’ is not a port: write a number from 0 to 65535.'))
  test('a key with nothing behind it', () => expect(why('host:')).toContain('a word is missing'))
  test('a minus alone', () => expect(why('tcp -')).toContain('such as -arp'))
})
