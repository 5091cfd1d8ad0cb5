import { expect, test } from 'vitest'
import { PRESETS, parseBudget, sizeName } from './budget.ts'

test.each([
  ['64 KiB', 65536],
  ['64kib', 65536],
  ['2M', 2097152],
  ['1.5 MiB', 1572864],
  ['1,5 MiB', 1572864],
  ['65536', 65536],
  ['65536 bytes', 65536],
])('‘%s’ is %d bytes', (text, bytes) => {
  expect(parseBudget(text)).toEqual({ ok: true, bytes })
})

test.each([
  ['', 'No size is given'],
  ['much', 'not a size'],
  ['64 KiBs', '‘KiBs’ is not a unit'],
  ['64 constructor', '‘constructor’ is not a unit'],
  ['5 MiB', 'more than the largest budget'],
  ['-1', 'not a size'],
])('‘%s’ is refused: %s', (text, why) => {
  const budget = parseBudget(text)
  expect(budget.ok ? '' : budget.why).toContain(why)
  expect(budget.ok ? '' : budget.why).toMatch(/such as 64 KiB\.$/)
})

test('a preset’s size is read back as it is written', () => {
  for (const { bytes } of PRESETS) expect(parseBudget(sizeName(bytes))).toEqual({ ok: true, bytes })
})
