import { expect, test } from 'vitest'
import { withLiterals, withoutZeroes } from './literals.js'
import { shareLetters } from './names.js'
import { privateNames } from './private-names.js'

test('one name has one letter in every function, and nothing else is called so', () => {
  const { code, letters } = shareLetters(
    'function f(page, m) { const { view } = m; return view.x(page, p) }\nfunction g(m, page) { return page + m }\nlet p = 1',
  )
  expect(code).toBe(
    'function f(p, m) { const { view:v } = m; return v.x(p, p_p) }\nfunction g(m, p) { return p + m }\nlet p_p = 1',
  )
  expect(letters.sort()).toEqual(['m', 'p', 'v'])
})

test('a constant of a table is its number; a table that may be written, or is hidden, is left alone', () => {
  const sources = ['export const Drop = { None: 0, BadAck: 26 } as const', 'const plan = { seq: 0 }']
  expect(withLiterals('const Drop = {}, plan = {}; f(Drop.BadAck, plan.seq, Drop)', sources)).toBe(
    'const Drop = {}, plan = {}; f(26, plan.seq, Drop)',
  )
  expect(withLiterals('const f = Drop => Drop.BadAck', sources)).toBe('const f = Drop => Drop.BadAck')
})

test('a field at offset zero is read at the address itself', () => {
  expect(withoutZeroes("m.get32(at + 0) + (n + 10) + 'at + 0'")).toBe("m.get32(at) + (n + 10) + 'at + 0'")
})

test('what users write, and what JavaScript’s own objects are called, keeps its name', () => {
  const source = 'interface A { secret: number; get32(): void; length: number }\nclass B { words = 1 }'
  expect(privateNames([source], 'export interface Environment { secret: Uint8Array }')).toEqual([
    'get32',
    'words',
  ])
})

test('a name that has a default keeps its key', () => {
  expect(shareLetters('function f(m) { const { page = 1 } = m; return page }').code).toBe(
    'function f(m) { const { page:p = 1 } = m; return p }',
  )
})

test('two tables of one name are refused, and words that end in nothing stay words', () => {
  const table = 'export const Drop = { None: 0 } as const'
  expect(() => withLiterals('f(Drop.None)', [table, table.replace('0', '1')])).toThrow(
    'Two sources have a table Drop',
  )
  expect(withoutZeroes("'at' + 0")).toBe("'at' + 0")
})
