import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawIdentities, isLocalMac, releaseIdentities, takeIdentities } from './identity.ts'

const random = (below: number): number => Math.floor(Math.random() * below)

/** A tab's storage; `copy` is what a duplicated tab begins with. */
function storage(text?: string) {
  const items = new Map(text === undefined ? [] : [['lanlet.identities', text]])
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
    copy: () => storage(items.get('lanlet.identities')),
  }
}

describe('who a page is', () => {
  test('two hosts of different names, with local unicast MACs', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0, max: 0.999999, noNaN: true })), stream => {
        const draw = (below: number): number => Math.floor((stream.next().value ?? 0) * below)
        const { own, neighbour } = drawIdentities(draw, true)
        expect(own.name).not.toBe(neighbour.name)
        expect(isLocalMac(own.mac) && isLocalMac(neighbour.mac)).toBe(true)
      }),
    )
  })

  test('a reload is the same two hosts, with or without the neighbour as before', () => {
    const tab = storage()
    const first = takeIdentities(tab, random, true)
    releaseIdentities(tab, first)
    expect(takeIdentities(tab, random, false)).toEqual(first)
  })

  test('a duplicated tab is not: the first still uses its MACs', () => {
    const tab = storage()
    releaseIdentities(tab, takeIdentities(tab, random, true))
    const inUse = takeIdentities(tab, random, true)
    expect(takeIdentities(tab.copy(), random, true).own.mac).not.toBe(inUse.own.mac)
  })

  test.each(['', 'null', '[]', '{', '{"own":{"name":"<b>","mac":"02:00:00:00:00:01"}}'])(
    'what is kept and makes no sense is drawn anew: %s',
    text => expect(isLocalMac(takeIdentities(storage(text), random, true).own.mac)).toBe(true),
  )
})
