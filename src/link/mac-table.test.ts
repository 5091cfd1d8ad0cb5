import { describe, expect, test } from 'vitest'
import { MacTable } from './mac-table.ts'

describe('MAC table', () => {
  test('finds what was entered and nothing else', () => {
    const table = new MacTable(16)
    expect(table.set(0x0200, 1, 7, 0)).toBe(true)
    expect(table.get(0x0200, 1)).toBe(7)
    expect(table.get(0x0201, 1)).toBe(-1)
    expect(table.get(0x0200, 2)).toBe(-1)
  })

  test('refuses a new address when three quarters are used, and still refreshes an old one', () => {
    const table = new MacTable(16)
    for (let i = 0; i < 12; i++) expect(table.set(0x0200, i, i, 0)).toBe(true)
    expect(table.set(0x0200, 99, 1, 0)).toBe(false)
    expect(table.set(0x0200, 3, 40, 0)).toBe(true)
    expect(table.get(0x0200, 3)).toBe(40)
  })

  test('agrees with a plain map through entering, ageing and forgetting', () => {
    const table = new MacTable(64)
    const addresses = Array.from({ length: 60 }, (_, i) => i - 30)
    const plain = new Map<number, { value: number; time: number }>()
    let seed = 1
    const next = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return (seed >>> 8) % n
    }
    for (let time = 0; time < 2000; time++) {
      const low = next(60) - 30
      const value = next(5)
      if (plain.has(low) || plain.size < 48) plain.set(low, { value, time })
      table.set(0x0242, low, value, time)
      if (next(50) === 0) {
        const doomed = next(5)
        table.forgetValue(doomed)
        for (const [key, entry] of plain) if (entry.value === doomed) plain.delete(key)
      }
      if (next(50) === 0) {
        table.forgetBefore(time - 20)
        for (const [key, entry] of plain) if (entry.time < time - 20) plain.delete(key)
      }
      expect(table.size).toBe(plain.size)
      const wrong = addresses.filter(probe => table.get(0x0242, probe) !== (plain.get(probe)?.value ?? -1))
      expect(wrong).toEqual([])
    }
  })
})
