import { expect, test } from 'vitest'
import { featuresOf, withoutFeatures } from './features.js'

test('a composition root tells its features', () => {
  const root = `export const createStack = (c: C, e: E): S => compose(c, e, { congestion: reno, ping: pingSockets, procFs })`
  expect([...featuresOf(root)]).toEqual(['congestion', 'ping', 'procFs'])
})

test('what asks for a feature that is off is answered; what is on is still asked', () => {
  const present = new Set(['ping'])
  const code = 'const a: A = s.features.procFs?.() ?? features.timestamps; s.features.ping?.send(s.features)'
  expect(withoutFeatures(code, present)).toBe(
    'const a: A = undefined?.() ?? undefined; s.features.ping?.send(s.features)',
  )
})

test('a loop over what no feature has filled is left out, with all that it asks', () => {
  const code =
    'for (const a of s.services) s.features.ping?.(a); for (const b of optionsFor(s, 1)) b(); for (const c of s.k) c()'
  const left = 'for (const b of optionsFor(s, 1)) b(); for (const c of s.k) c()'
  expect(withoutFeatures(code, new Set(['sack']))).toBe(`; ${left}`)
  expect(withoutFeatures(left, new Set(['mdns']))).toBe('; for (const c of s.k) c()')
})
