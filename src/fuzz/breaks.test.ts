/** What the saboteur finds: stacks that were broken on purpose, each in one place. */
import { expect, test } from 'vitest'
import { imported } from '../serve/imported.js'
import { bundleSaboteur } from './bundle.js'
import type { Failure, Run } from './failure.ts'
import { readTold, tell } from './told.js'

interface Break {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** What is said of it. */
  readonly found: RegExp
}

const BREAKS: readonly Break[] = [
  {
    name: 'a connection is read when its record has been freed',
    file: 'tcp/connection.ts',
    from: 'freeRecord(m, CONNECTION_KIND, t)',
    to: 'freeRecord(m, CONNECTION_KIND, t); m.get32(t + 40)',
    found: /in a record that is free|which is free/,
  },
  {
    name: 'a record is freed twice',
    file: 'tcp/flight.ts',
    from: 'freeRecord(m, FLIGHT_KIND, f)',
    to: 'freeRecord(m, FLIGHT_KIND, f); freeRecord(m, FLIGHT_KIND, f)',
    found: /freed twice|no record/,
  },
  {
    name: 'a field is written over the end of its record',
    file: 'tcp/flight.ts',
    from: 'freeRecord(m, FLIGHT_KIND, f)',
    to: 'm.put32(f + 98, 0); freeRecord(m, FLIGHT_KIND, f)',
    found: /beyond the end of its record/,
  },
  {
    name: 'a header may be longer than what has come',
    file: 'tcp/segment.ts',
    from: ' || headerLength > length',
    to: '',
    found: /what lies behind a frame matters/,
  },
  {
    name: 'fragments that came too late are not given back',
    file: 'ip/reassemble.ts',
    from: 'if (!owed) return freePages(m, first)',
    to: 'if (!owed) return',
    found: /pages of fragments|not given back/,
  },
  {
    name: 'a reset is believed wherever it stands',
    file: 'tcp/input.ts',
    from: 'const unacceptable = checkSequence(s, t)',
    to: 'if ((g.flags & RST) !== 0) { endConnection(s, t, ECONNRESET); return Drop.None }\n  const unacceptable = checkSequence(s, t)',
    found: /which nobody spoke to: error -104/,
  },
]
const SEEDS = 1_500
/** Milliseconds, on a machine that has other things to do as well. */
const PATIENCE = 600_000

test.each(BREAKS)('finds out that $name', { timeout: PATIENCE }, async ({ file, from, to, found }) => {
  const { code } = await bundleSaboteur((text, path) => {
    if (path !== file) return text
    if (!text.includes(from)) throw new Error(`${file} has no '${from}' any more`)
    return text.replace(from, () => to)
  })
  const { Saboteur } = await imported(code)
  const saboteur = new Saboteur()
  let failure: Failure | undefined
  for (let seed = 1; seed < SEEDS && failure === undefined; seed++)
    failure = (saboteur.run(seed) as Run).failure
  expect(failure?.what).toMatch(found)
  // What is printed of it can be played again, by another.
  const [read] = readTold(tell(failure as Failure))
  expect(new Saboteur().replay(read)).toMatch(found)
})
