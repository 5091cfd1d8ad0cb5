import { expect, test } from 'vitest'
import { SWITCHES, switchesNamed } from '../size/switches.js'
import { arenaBeside, inOrder, type Sizes, saving, turn } from './diet.ts'

const sizes: Sizes = {
  profiles: {},
  switches: { IP_PING: { min: 700, gzip: 180 }, PROC_FS: { min: 1200, gzip: 680 } },
}

test('what a switch costs is what it saves, and two sum up', () => {
  const full = new Set(['IP_PING', 'PROC_FS'])
  expect(saving(sizes, full, new Set(['PROC_FS']))).toEqual({ min: 700, gzip: 180 })
  expect(saving(sizes, full, new Set())).toEqual({ min: 1900, gzip: 860 })
  expect(saving(sizes, new Set(), full)).toEqual({ min: -1900, gzip: -860 })
})

test('an alternative makes room, and says so', () => {
  const { on, because } = turn(new Set(['IP_FRAG', 'IP_PING']), 'IP_FRAG_SMALL')
  expect([...on]).toEqual(['IP_PING', 'IP_FRAG_SMALL'])
  expect(because).toEqual(['IP_FRAG makes room: a stack has one of the two.'])
})

test('every switch can be turned on from nothing and off from everything, and the set is legal each time', () => {
  let all: ReadonlySet<string> = new Set()
  for (const { name } of SWITCHES) {
    const alone = turn(new Set(), name)
    expect(alone.on.has(name)).toBe(true)
    switchesNamed([...alone.on])
    if (!all.has(name)) all = turn(all, name).on
    switchesNamed([...all])
  }
  for (const name of all) {
    const { on } = turn(all, name)
    expect(on.has(name)).toBe(false)
    switchesNamed([...on])
  }
})

test('a set is told in the table’s order', () => {
  expect(inOrder(new Set(['PROC_FS', 'TCP_WSCALE']))).toEqual(['TCP_WSCALE', 'PROC_FS'])
})

test('a text that fills the budget is refused', () => {
  expect(arenaBeside(50_001, 262_144, 'full')).toBe(212_140)
  expect(() => arenaBeside(50_000, 16_384, 'full')).toThrow('The full stack’s text alone is 50000 bytes')
})
