/** What is written out does what it did, and stands where it was called. */
import { expect, test } from 'vitest'
import { writtenOut } from './inline.js'

const run = (code: string, ...given: readonly unknown[]): unknown =>
  new Function('given', `${code.replace('export { start };', '')}; return start(...given)`)(
    structuredClone(given),
  )

/** The module with `start` written out, and that it still answers as before. */
function out(code: string, ...given: readonly unknown[]): string {
  const text = writtenOut(`${code}\nexport { start };`)
  expect(run(text, ...given)).toEqual(run(code, ...given))
  return text.replace(/\s+/g, ' ')
}

test('what is called once becomes a block of its caller', () => {
  const code = `
    function note(list, text) { const twice = text + text; list.push(twice) }
    function start(list) { note(list, 'a'); return list }`
  expect(out(code, [])).not.toContain('note(')
})

test('its early ways out leave the block and not the caller', () => {
  const code = `
    function note(list, n) { if (n < 0) return; list.push(n) }
    function start(list, n) { note(list, n); list.push('end'); return list }`
  expect(out(code, [], -1)).toContain('break done_note')
  out(code, [], 1)
})

test('what a caller returns may be a block, also where that runs to its end', () => {
  const code = `
    function small(n) { if (n < 0) return 'less'; }
    function start(n) { if (n < 9) return small(n); return 'more' }`
  expect(out(code, 1)).not.toContain('small(')
  out(code, -1)
  out(code, 10)
})

test('either half of a condition may', () => {
  const code = `
    function less(n) { const m = n + 1; return [m] }
    function more(n) { const m = n - 1; return [m, m] }
    function start(n) { return n < 9 ? less(n) : more(n) }`
  expect(out(code, 1)).not.toMatch(/(less|more)\(/)
  out(code, 10)
})

test('a result that has a name is given to that name', () => {
  const code = `
    function sum(list) { let all = 0; for (const one of list) all += one; return all }
    function start(list) { const all = sum(list); return all * 2 }`
  expect(out(code, [1, 2])).not.toContain('sum(')
})

test('a result with several ways to it stays a call', () => {
  const code = `
    function sum(n) { if (n === 0) return 1; const m = n * n; return m }
    function start(n) { const all = sum(n); return all * 2 }`
  expect(out(code, 3)).toContain('sum(')
})

test('names of the function hide none of its caller', () => {
  const code = `
    function far(a, b) { const x = a * 10; const x_ = 1; return [x, x_, b] }
    function start(x, b) { let a = x + 1; return far(a + b, x) }`
  expect(out(code, 3, 4)).not.toContain('far(')
})

test('names of the module are not hidden where the text goes', () => {
  const code = `
    const limit = [7].length
    function far(a) { const b = a + limit; return [b] }
    function start(limit) { return far(limit) }`
  expect(out(code, 3)).not.toContain('far(')
})

test('a parameter that changes is a name of its own', () => {
  const code = `
    function count(n, list) { while (n > 0) list.push(n--) }
    function start(n, list) { count(n, list); list.push(n); return list }`
  expect(out(code, 3, [])).not.toContain('count(')
})

test('a short expression is written out at each call', () => {
  const code = `
    const less = (a, b) => ((a - b) | 0) < 0
    function start(a, b) { return [less(a, b), less(b, a), less(a, a), less(b, b)] }`
  expect(out(code, 1, 2)).not.toContain('less(')
})

test('an argument that does something is not moved, and none is done twice', () => {
  const code = `
    const pair = (a, b) => [b, a, a]
    function start(list) { return [pair(list.pop(), list.pop()), pair(list.pop(), 1)] }`
  expect(out(code, [1, 2, 3])).toContain('pair(')
})

test('what is handed on as a value, calls itself or is called outside of all functions stays', () => {
  const code = `
    const handed = n => { const m = n; return m + 1 }
    function deep(n) { const m = n - 1; return n === 0 ? 0 : 1 + deep(m) }
    function first() { const m = 3; return m }
    const three = first()
    function start(list) { return list.map(handed).concat(deep(three)) }`
  const text = out(code, [1])
  for (const name of ['handed', 'deep', 'first']) expect(text).toContain(name)
})

test('the arena is read off the stack once', () => {
  const code = `
    function inner(s, n) { const { m } = s; return m[n] + s.m[0] }
    function start(s) { const { m } = s; m[0] = 4; return inner(s, 1) }`
  const text = out(code, { m: [1, 2] })
  expect(text.match(/\{ m \} = s/g)).toHaveLength(1)
  expect(text).not.toContain('s.m')
})

test('what changes on a stack is read again', () => {
  const code = `
    function inner(s) { const { link } = s; return [link] }
    function start(s) { const { link } = s; s.link = 2; return inner(s).concat(link) }`
  out(code, { link: 1 })
})

test('a name that is made gives way to those that are there', () => {
  const code = `
    const x = [1], limit_ = [8]
    function far(limit) { const rest = [limit, limit_]; return rest }
    function near(a) { const y = a + 1; { const x = 5, x_ = 6, rest = far(y + x); return [x, x_, y, rest] } }
    function start(x) { const x_ = 2, limit = 3; const all = near(limit + x); return [x, x_, all] }
    const other = () => x`
  out(code, 7)
})

test('no local name is that of JavaScript’s own', () => {
  const code = `
    function far(a) { const b = Math.max(a, 3); return [b] }
    function start(Math) { const one = far(Math); return [Math, one] }`
  out(code, 4)
})

test('a name whose value changes is not read later than it was', () => {
  const code = `
    const pair = (step, n) => [step(), n]
    function start(list) { let n = 1; const step = () => { n++; return n }; return [pair(step, n), n] }`
  out(code, [])
})

test('of a comma, the last is the result', () => {
  const code = `
    function last(list) { const n = list.length; return list.push(n), n + 1 }
    function start(list) { const n = last(list); return [n, list] }`
  expect(out(code, [3, 4])).toContain('last(')
})

test('an arrow’s body in parentheses is no object', () => {
  const code = `
    function note(list) { list.push(1) }
    function start(list) { const step = () => (note(list)); return [step(), list] }`
  out(code, [])
})

test('closures made in a loop each keep their own', () => {
  const code = `
    function keep(list, n) { let twice = n * 2; list.push(() => twice++ + n) }
    function start(n) {
      const list = []
      for (let i = 0; i < n; i++) { keep(list, i) }
      return list.map(one => one()).concat(list.map(one => one()))
    }`
  expect(out(code, 3)).not.toContain('keep(')
})

test('ways out of loops and choices within what is written out lead to its own end', () => {
  const code = `
    function look(list, n) {
      for (const one of list) {
        if (one === 0) continue
        switch (one) { case 1: break; case n: list.push('n'); return; default: if (n > 7) return }
        while (true) { if (one > 2) break; return }
      }
      list.push('end')
    }
    function start(n) { const list = [0, 1, 3, 5, 2]; for (let i = 0; i < 2; i++) { look(list, n + i); list.push(i) } return list }`
  const text = out(code, 3)
  expect(text).toContain('break done_look')
  for (const n of [0, 1, 2, 5, 8]) out(code, n)
})

test('a default is read only where the call gives a constant, and a pattern where it stood', () => {
  const code = `
    function far({ a, b = 2 }, [c], d = 4) { const sum = a + b + c + d; return [sum] }
    function near(n, d = n) { const m = [n, d]; return m }
    function start(a, b) { const one = { a }; if (a > 9) return near(a, undefined); return far(one, [b, a]) }`
  const text = out(code, 1, 2)
  expect(text).not.toContain('far(')
  expect(text).toContain('near(')
  out(code, 10, 2)
})

test('arguments are read in their order, before what is done with them', () => {
  const code = `
    function far(list, a, b) { list.push('in'); const all = [b, a, list.length]; return all }
    function start(list) { let n = 1; return far(list, n++, list.push(n)) }`
  expect(out(code, [])).not.toContain('far(')
})

test('a member read through a question stays in its question', () => {
  const code = `
    const first = list => list?.[0]
    const name = one => one.name
    function start(one) { return [first(one?.list)?.name, name(one?.inner ?? one), first(null)] }`
  out(code, { name: 'n', inner: { name: 'i' } })
  out(code, { name: 'n', list: [{ name: 'l' }] })
})

test.each([
  ['function start() { function inner() { return 1 } return inner() }', 'a function declared within another'],
  ['function start() { return this }', '`this` outside of a class'],
  ['function start() { return arguments.length }', '`arguments`'],
  ['async function start() {}', 'an async function or a generator'],
  ['function start() { one: for (;;) break one }', 'a label'],
  ['function start(n) { try { n() } finally { n = 0 } }', '`try`'],
  ['function start(n) { delete n.a }', '`delete`'],
  ['function start(n) { var m = n; return m }', '`var` within a function'],
  [
    'function start(n) { switch (n) { case 1: const m = 1; return m } }',
    'a name declared in a `case` without a block',
  ],
  ['function start(n) { return n(1)(2) }', 'a function called as soon as it is returned'],
])('%s is refused', (code, what) => {
  expect(() => writtenOut(code)).toThrow(`The passes that make a stack small do not understand ${what}: `)
})
