import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MOST_HOSTS, MOST_STATES, readTold, ToldBook, tellState } from './told.ts'
import { ALICE, BOB, state } from './wire.fixture.ts'

const HOSTS = { kind: 'hosts', hosts: [ALICE] }
const ESTABLISHED = tellState(state(0, [ALICE, 49152], [BOB, 23], 'ESTABLISHED'), undefined)

describe('what another page tells', () => {
  test('its hosts, and how the states of their connections change', () => {
    const book = new ToldBook()
    expect(book.take('p', HOSTS)).toEqual([])
    expect(book.hosts.get('p')).toEqual([ALICE])
    expect(book.take('p', { kind: 'states', states: [ESTABLISHED] })).toEqual([ESTABLISHED])
    expect(book.refused).toBe(0)
  })

  test('real machines behind a bridge, whose MACs are their vendors’', () => {
    const machine = { ...BOB, mac: '00:11:22:33:44:55' }
    const book = new ToldBook()
    book.take('p', { kind: 'hosts', hosts: Array(MOST_HOSTS).fill(machine) })
    expect(book.hosts.get('p')).toHaveLength(MOST_HOSTS)
    expect(book.refused).toBe(0)
  })

  test('survives the way through JSON', () => {
    const message = { kind: 'states', states: [ESTABLISHED] }
    expect(readTold(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  test('a state of a host that is not its own is refused and counted', () => {
    const book = new ToldBook()
    book.take('p', HOSTS)
    const foreign = tellState(state(0, [BOB, 23], [ALICE, 49152], 'CLOSED'), undefined)
    expect(book.take('p', { kind: 'states', states: [foreign] })).toEqual([])
    expect(book.refused).toBe(1)
  })

  test.each([
    ['no object', 'ESTABLISHED'],
    ['an unknown kind', { kind: 'orders', orders: [] }],
    ['a state that TCP does not have', { kind: 'states', states: [{ ...ESTABLISHED, state: 'HAPPY' }] }],
    ['a port beyond 65535', { kind: 'states', states: [{ ...ESTABLISHED, localPort: 65536 }] }],
    ['an address that is none', { kind: 'states', states: [{ ...ESTABLISHED, localAddress: '1.2.3.256' }] }],
    ['a fingerprint that is none', { kind: 'states', states: [{ ...ESTABLISHED, frame: '<b>' }] }],
    ['a name with markup', { kind: 'hosts', hosts: [{ ...ALICE, name: '<b>' }] }],
    ['a MAC that is a group’s', { kind: 'hosts', hosts: [{ ...ALICE, mac: '01:11:22:33:44:55' }] }],
    ['more hosts than a page announces', { kind: 'hosts', hosts: Array(MOST_HOSTS + 1).fill(ALICE) }],
    ['more than anyone has to say', { kind: 'states', states: Array(MOST_STATES + 1).fill(ESTABLISHED) }],
  ])('%s is rubbish: it costs a counter', (_, message) => {
    const book = new ToldBook()
    book.take('p', HOSTS)
    expect(book.take('p', message)).toEqual([])
    expect(book.refused).toBe(1)
    expect(book.hosts.get('p')).toEqual([ALICE])
  })

  test('nothing makes it throw', () => {
    fc.assert(fc.property(fc.jsonValue(), value => void new ToldBook().take('p', value)))
  })
})
