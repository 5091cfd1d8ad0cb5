import { expect, test } from 'vitest'
import { cached, sourcesVersion } from './cache.js'

test('what was made of the same sources is not made again; something else is', async () => {
  let made = 0
  const make = async () => ({ made: ++made })
  const what = { test: Math.random() }
  const [first, again] = [await cached(what, make), await cached(what, make)]
  expect([first, again]).toEqual([{ made: 1 }, { made: 1 }])
  expect(await cached({ ...what, other: true }, make)).toEqual({ made: 2 })
})

test('the version of the sources is the same while nothing changes', () => {
  expect(sourcesVersion()).toMatch(/^[0-9a-f]{16}$/)
  expect(sourcesVersion()).toBe(sourcesVersion())
})
