/** How what is always true is said, and read in an arena from outside; fast enough to be asked thousands of times a second. */
import { RECORD_KIND } from '../core.ts'
import { type Address, type Arena, ownerOf, PAGE, PAGE_LENGTH, pageOf } from '../memory/arena.ts'
import * as layout from '../memory/layout.ts'
import { type RecordKind, visitRecords } from '../memory/slab.ts'

/** Something that is always true is not. */
export class Unsound extends Error {}

/** Fails with a sentence, into which what was found is put. */
export function must(holds: boolean, sentence: string, ...found: readonly unknown[]): asserts holds {
  if (!holds) throw new Unsound(found.length === 0 ? sentence : `${sentence}: ${found.join(', ')}`)
}

export function same(found: number, expected: number, what: string): void {
  if (found !== expected) throw new Unsound(`${what}: ${found}, not ${expected}`)
}

/** The same addresses, in whatever order. */
export function sameAll(found: readonly Address[], expected: readonly Address[], what: string): void {
  same(found.length, expected.length, `the number of ${what}`)
  const rest = new Set(expected)
  for (const at of found) must(rest.delete(at), `${what} have one that they should not have`, at)
}

/** The addresses along a chain whose first link stands at `head`. A chain that never ends is found out. */
export function chainOf(m: Arena, head: Address, link: number): Address[] {
  const found: Address[] = []
  for (let at = m.get32(head); at !== 0; at = m.get32(at + link)) {
    found.push(at)
    must(found.length < 20_000, 'a list never ends', head)
  }
  return found
}

/** The pages of each pool. */
export function pagesByPool(m: Arena): Address[][] {
  const found: Address[][] = Array.from({ length: layout.POOL_COUNT }, () => [])
  const first = m.get32(layout.PAGES_AT)
  const end = first + m.get32(layout.PAGE_COUNT) * PAGE
  for (let page = first; page < end; page += PAGE) found[ownerOf(m, page)]?.push(page)
  return found
}

/** The bytes of data in these pages; each must be one. */
export function bytesIn(m: Arena, pages: readonly Address[]): number {
  let sum = 0
  for (const page of pages) {
    same(pageOf(m, page), page, 'the beginning of a page')
    sum += m.get16(page + PAGE_LENGTH)
  }
  return sum
}

/** The records in use in these pages of a slab. */
export function recordsIn(m: Arena, pages: readonly Address[], kind: RecordKind): Address[] {
  const found: Address[] = []
  for (const page of pages)
    visitRecords(page, kind, at => {
      if (m.get8(at + RECORD_KIND) !== 0) found.push(at)
    })
  return found
}
