/** What is known when a file is built is not asked for when it runs. */
import { expect, test } from 'vitest'
import { named } from './direct.js'

const flat = (code: string): string => named(code).replace(/\s+/g, ' ')

test('a feature is named where it is asked for, and its function in the place of it', () => {
  const code = `
    const fibList = { find(m, to) { return m[to] }, size: 4 }
    function start(s) { return s.features.fib.find(s.m, s.features.fib.size) }
    const createStack = config => compose(config, { fib: fibList })
    function compose(config, environment, features) { return start({ m: config, features }) }`
  expect(flat(code.replace('config, {', 'config, 0, {'))).toBe(
    ` function fibList_find(m, to) { return m[to] } const fibList_size = 4; function start(s) { return fibList_find(s.m, fibList_size) } const createStack = config => compose(config, 0, { }) function compose(config, environment, features) { return start({ m: config, features }) }`,
  )
})

test('nobody asks whether a feature that is there is there', () => {
  const code = `
    const ping = { receiver: at => at + 1 }
    const diag = m => m
    const createStack = config => compose(config, 0, { ping, diag: diag })
    const start = s => [s.features.ping?.receiver(3) ?? 0, s.features.diag?.(4)]`
  expect(flat(code)).toContain('[ping_receiver(3) ?? 0, diag(4)]')
})

test('what a feature may have and has not is undefined', () => {
  const code = `
    const reno = { reduce: n => n >> 1 }
    const start = n => [reno.choose === undefined, reno.reduce(n)]`
  expect(flat(code)).toContain('[undefined === undefined, reno_reduce(n)]')
})

test('an object that is used as a whole, is written to, or speaks of itself, stays', () => {
  for (const use of ['list.push(one)', 'one.a = 2', 'one[list]', 'one.a++']) {
    const code = `const one = { a: 1 };\nfunction start(list) { ${use}; return one.a }`
    expect(named(code)).toBe(code)
  }
  const own = 'const one = { a() { return this.b }, b: 1 };\nconst start = () => one.a()'
  expect(named(own)).toBe(own)
})

test('an object that names itself stays', () => {
  const code = 'const one = { a: () => one.b(), b: () => 1 };\nconst start = () => one.a()'
  expect(named(code)).toBe(code)
})

test.each([
  'const { fib } = s.features',
  'const f = s.features; f.fib()',
  'const { features: f } = s; f.fib()',
  'other(s.features)',
  'const { features } = s; other(features)',
  's.features[s.name]()',
])('features that are not asked for one by one are refused: %s', body => {
  const code = `const createStack = config => compose(config, 0, { fib })\nconst start = s => { ${body} }`
  expect(() => named(code)).toThrow('A feature is asked for as s.features.x, not by a pattern')
})

test('a member’s new name is nobody else’s', () => {
  const code = 'const one = { a: 1 }\nconst start = one_a => one.a + one_a'
  expect(() => named(code)).toThrow('one_a is what one.a is to be called.')
})

test('one object’s members may be named in another’s', () => {
  const code = `
    const reno = { reduce: n => n >> 1 }
    const cubic = { reduce: n => reno.reduce(n) + 1, least: () => reno.reduce(4) }
    const start = n => [cubic.reduce(n), cubic.least()]`
  expect(flat(code)).not.toMatch(/(reno|cubic)\./)
})
