import { expect, test } from 'vitest'
import { pairAround, SWITCHES, type Switch, switchesNamed, WITHOUT } from './switches.js'

const one = (name: string, needs: string[] = [], feature = name): Switch => ({
  name,
  feature,
  from: `${name}.ts`,
  export: name,
  needs,
})
const table = [
  one('PACKET'),
  one('PACKET_MMAP', ['PACKET']),
  one('CUBIC', [], 'congestion'),
  one('VEGAS', [], 'congestion'),
]

test('a set is given in the table’s order, each switch once', () => {
  expect(switchesNamed(['PACKET_MMAP', 'PACKET', 'PACKET'], table).map(({ name }) => name)).toEqual([
    'PACKET',
    'PACKET_MMAP',
  ])
})

test('an unknown switch is refused with the names that there are', () => {
  expect(() => switchesNamed(['TCP_SAC'], table)).toThrow(
    'There is no switch TCP_SAC; there are PACKET, PACKET_MMAP, CUBIC, VEGAS.',
  )
})

test('a switch without what it needs is refused with the reason', () => {
  expect(() => switchesNamed(['PACKET_MMAP'], table)).toThrow(
    'PACKET_MMAP needs PACKET: add it or leave PACKET_MMAP out.',
  )
})

test('two alternatives are refused together', () => {
  expect(() => switchesNamed(['CUBIC', 'VEGAS'], table)).toThrow(
    'CUBIC and VEGAS are alternatives: a stack has one congestion, choose one.',
  )
})

test('a switch’s cost lies between two legal sets', () => {
  const around = ['PACKET', 'PACKET_MMAP', 'CUBIC']
  const pairs = table.map(({ name }) => pairAround(name, around, table))
  for (const pair of pairs) {
    switchesNamed(pair.with, table)
    switchesNamed(pair.without, table)
  }
  expect(pairs.map(pair => pair.without.join())).toEqual([
    'CUBIC',
    'PACKET,CUBIC',
    'PACKET,PACKET_MMAP',
    'PACKET,PACKET_MMAP',
  ])
})

test('each switch says what a user meets without it', () => {
  expect(SWITCHES.filter(({ name }) => !WITHOUT[name]).map(({ name }) => name)).toEqual([])
})
