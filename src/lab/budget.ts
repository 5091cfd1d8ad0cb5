/** The memory budget as a person writes it: '64 KiB', '2 MiB', '65536'. */

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['byte', 1],
  ['bytes', 1],
  ['k', 1024],
  ['kb', 1024],
  ['kib', 1024],
  ['m', 1024 * 1024],
  ['mb', 1024 * 1024],
  ['mib', 1024 * 1024],
])

export interface Preset {
  readonly bytes: number
  readonly name: string
}

export const PRESETS: readonly Preset[] = [
  { bytes: 16 * 1024, name: '16 KiB' },
  { bytes: 64 * 1024, name: '64 KiB' },
  { bytes: 256 * 1024, name: '256 KiB' },
  { bytes: 2 * 1024 * 1024, name: '2 MiB · Quark' },
  { bytes: 4 * 1024 * 1024, name: '4 MiB' },
]

const MOST = 4 * 1024 * 1024

export type Budget =
  | { readonly ok: true; readonly bytes: number }
  | { readonly ok: false; readonly why: string }

/** How small it may be, the worker knows: that depends on the profile. */
export function parseBudget(text: string): Budget {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  if (text.trim() === '') return refuse('No size is given')
  if (!match) return refuse(`‘${text.trim()}’ is not a size`)
  const unit = UNITS.get((match[2] ?? '').toLowerCase())
  if (unit === undefined) return refuse(`‘${match[2]}’ is not a unit`)
  const bytes = Math.round(Number((match[1] ?? '').replace(',', '.')) * unit)
  if (bytes > MOST) return refuse(`${sizeName(bytes)} is more than the largest budget, 4 MiB`)
  return { ok: true, bytes }
}

const refuse = (what: string): Budget => ({
  ok: false,
  why: `${what}: write a number with KiB or MiB, such as 64 KiB.`,
})

/** Bytes for people: '41.2 KiB'. */
export function sizeName(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, 'KiB'] : [bytes / 1024 / 1024, 'MiB']
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`
}
