/** The two commands begin on a machine on which nothing is installed yet: until then they may load Node's own modules alone. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const HERE = new URL('./', import.meta.url)

/** All that a file loads as it is loaded, and what that loads, by how it is named there. */
function loaded(file: URL, seen = new Set<string>()): string[] {
  if (seen.has(file.href)) return []
  seen.add(file.href)
  const named = [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;()]*?\bfrom '([^']+)'/gm)]
  return named.flatMap(([, name = '']) =>
    name.startsWith('.')
      ? loaded(new URL(name, file), seen)
      : [`${name} in ${file.href.slice(HERE.href.length - 6)}`],
  )
}

test.each(['start.js', 'test.js'])('%s loads no package before it has installed them', file => {
  const names = loaded(new URL(file, HERE))
  expect(names.length).toBeGreaterThan(3)
  expect(names.filter(name => !name.startsWith('node:'))).toEqual([])
})
