import { expect, test } from 'vitest'
import { seededRandom } from '../testing/simulation.ts'
import { Arena } from './arena.ts'
import { append, clear, dropFirst, remove } from './fifo.ts'

const LIST = 16
const LINK = 8
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
