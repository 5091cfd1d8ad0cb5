/** Any legal set of switches is a stack: thirty that nobody chose, and the presets, have the same conversation. */
import { afterAll, expect, test } from 'vitest'
import { converse } from '../stack/testing/conversation.ts'
import { seededRandom } from '../stack/testing/simulation.ts'
import { type Built, Shelf } from './built.fixture.ts'
import { bundleProfile, bundleSet, PROFILES } from './bundle.js'
import { closure, SWITCHES, switchesNamed } from './switches.js'

const shelf = new Shelf()
afterAll(() => shelf.clear())

/** A legal set by seed: in some order, each switch is taken or not, with what it needs, if it fits in. */
function setOf(seed: number): readonly string[] {
  const random = seededRandom(seed * 2654435761)
  const offered = SWITCHES.map(({ name }) => ({ name, place: random() })).sort((a, b) => a.place - b.place)
  let set: readonly string[] = []
  for (const { name } of offered) {
    const more = [...set, ...closure(name)]
    if ((random() >>> 16) % 2 === 0 && isLegal(more)) set = more
  }
  return switchesNamed(set).map(({ name }) => name)
}

function isLegal(names: readonly string[]): boolean {
  try {
    switchesNamed(names)
    return true
  } catch {
    return false
  }
}

const sets = Array.from({ length: 30 }, (_, i) => [i, setOf(i + 1)] as const)
const full: Promise<Built> = bundleProfile('full').then(bundle => shelf.load(bundle))

test('the sets are not all alike, and each switch is on in some and off in others', () => {
  for (const { name } of SWITCHES)
    expect([name, new Set(sets.map(([, set]) => set.includes(name))).size]).toEqual([name, 2])
})

test.each(sets)(
  'set %i, built, talks with itself and with the full profile: %j',
  { timeout: 60_000 },
  async (_, set) => {
    const { createStack, switches } = await shelf.load(await bundleSet(set))
    expect(switches).toEqual(set)
    converse(createStack, createStack)
    converse(createStack, (await full).createStack)
    converse((await full).createStack, createStack)
  },
)

test.each(PROFILES)('%s is a set among others', { timeout: 60_000 }, async name => {
  const { switches, min } = await bundleProfile(name)
  expect((await bundleSet(switches)).min).toBe(min)
})
