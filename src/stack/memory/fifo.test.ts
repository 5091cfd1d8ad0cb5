import { expect, test } from 'vitest'
import { seededRandom } from '../testing/simulation.ts'
import { Arena } from './arena.ts'
import { append, appendBoth, appendChain, clear, dropFirst, remove, removeBoth } from './fifo.ts'

const LIST = 16
const LINK = 8
const BACK = 12
const member = (i: number) => 64 + i * 16

test('it holds what an array would hold, through thousands of appends, drops and removals', () => {
  const m = new Arena(new ArrayBuffer(4096))
  const random = seededRandom(9)
  let model: number[] = []
  for (let turn = 0; turn < 5000; turn++) {
    const at = member(random() % 100)
    const inside = model.includes(at)
    const dice = random() % 10
    if (!inside && dice < 6) {
      append(m, LIST, at, LINK)
      model.push(at)
    } else if (inside && dice < 3) {
      remove(m, LIST, at, LINK)
      model = model.filter(other => other !== at)
    } else if (model.length > 0 && dice < 9) {
      model.shift()
      if (dropFirst(m, LIST, LINK) !== (model[0] ?? 0)) throw new Error('another first member')
    } else if (dice === 9 && random() % 50 === 0) {
      clear(m, LIST)
      model = []
    }
    const held: number[] = []
    for (let next = m.get32(LIST); next !== 0; next = m.get32(next + LINK)) held.push(next)
    if (`${held}` !== `${model}`) throw new Error(`turn ${turn}: ${held} is not ${model}`)
    if (m.get32(LIST + 4) !== (model.at(-1) ?? 0)) throw new Error('another last member')
  }
  expect(model.length).toBeGreaterThanOrEqual(0)
})

test('a chain is appended whole, and counted', () => {
  const m = new Arena(new ArrayBuffer(4096))
  append(m, LIST, member(0), LINK)
  m.put32(member(1) + LINK, member(2))
  m.put32(member(2) + LINK, 0)
  expect(appendChain(m, LIST, member(1), LINK)).toBe(2)
  expect([dropFirst(m, LIST, LINK), dropFirst(m, LIST, LINK), dropFirst(m, LIST, LINK)]).toEqual([
    member(1),
    member(2),
    0,
  ])
  expect(m.get32(LIST + 4)).toBe(0)
})

test('members that know both neighbours leave from the front, the middle and the end', () => {
  for (const order of [
    [0, 1, 2],
    [1, 0, 2],
    [2, 1, 0],
    [1, 2, 0],
  ]) {
    const m = new Arena(new ArrayBuffer(4096))
    for (let i = 0; i < 3; i++) appendBoth(m, LIST, member(i), LINK, BACK)
    let left = [0, 1, 2]
    for (const i of order) {
      removeBoth(m, LIST, member(i), LINK, BACK)
      left = left.filter(other => other !== i)
      const held: number[] = []
      for (let at = m.get32(LIST); at !== 0; at = m.get32(at + LINK)) held.push(at)
      expect(held).toEqual(left.map(member))
      expect(m.get32(LIST + 4)).toBe(held.at(-1) ?? 0)
      for (const [k, at] of held.entries()) expect(m.get32(at + BACK)).toBe(held[k - 1] ?? 0)
    }
  }
})
