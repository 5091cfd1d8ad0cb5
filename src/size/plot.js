/**
 * `npm run plot`: draws src/size/plot.svg, bytes by profile and by switch, from what is measured. With a file's name it
 * draws from that file, such as a build's dist/size.json.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT } from './cache.js'
import { measure } from './measure.js'

/** @typedef {import('./measure.js').Sizes} Sizes */

const WIDTH = 720
const ROW = 20
const LABEL = 150
const FIGURE = 140
const STYLE = `text{font:12px ui-monospace,monospace;fill:#1d2125}.head{font-weight:600;font-family:system-ui,sans-serif}.mute{fill:#5d6268}
.gzip{fill:#1f5fbf}.min{fill:#1f5fbf;opacity:.35}.lto{fill:none;stroke:#8d8a83;stroke-dasharray:3 2}
@media(prefers-color-scheme:dark){text{fill:#e8e6e1}.mute{fill:#98a0a8}.gzip,.min{fill:#6ea8ff}.lto{stroke:#69727b}}`

/** Bytes for people. @param {number} bytes */
const kB = bytes => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`)

/**
 * A bar of minified bytes, in it the gzip's, around it what is there without LTO.
 *
 * @param {string} name
 * @param {{ min: number, gzip: number, unshaken?: number }} size
 * @param {number} y
 * @param {number} most what the full width stands for
 */
function bar(name, { min, gzip, unshaken }, y, most) {
  const width = (/** @type {number} */ bytes) =>
    ((Math.max(0, bytes) / most) * (WIDTH - LABEL - FIGURE)).toFixed(1)
  const lto =
    unshaken === undefined
      ? ''
      : `<rect class="lto" x="${LABEL}" y="${y}" width="${width(unshaken)}" height="14"/>`
  return `<text x="${LABEL - 8}" y="${y + 11}" text-anchor="end">${name}</text>${lto}<rect class="min" x="${LABEL}" y="${y}" width="${width(min)}" height="14"/><rect class="gzip" x="${LABEL}" y="${y}" width="${width(gzip)}" height="14"/><text class="mute" x="${WIDTH}" y="${y + 11}" text-anchor="end">${kB(min)} ${kB(gzip)}</text>`
}

/** @param {Sizes} sizes @returns {string} */
export function plot({ profiles, switches }) {
  /** @type {string[]} */
  const parts = []
  let y = 18
  const head = (/** @type {string} */ words) => {
    parts.push(
      `<text class="head" x="0" y="${y}">${words}</text><text class="mute" x="${WIDTH}" y="${y}" text-anchor="end">min gzip</text>`,
    )
    y += 8
  }
  const row = (
    /** @type {string} */ name,
    /** @type {{ min: number, gzip: number }} */ size,
    /** @type {number} */ most,
  ) => {
    parts.push(bar(name, size, y, most))
    y += ROW
  }
  head('Profiles: minified, in it gzip; dashed: without LTO')
  const largest = Math.max(...Object.values(profiles).map(({ min, unshaken }) => Math.max(min, unshaken)))
  for (const [name, size] of Object.entries(profiles)) row(name, size, largest)
  y += 22
  head('Switches: the full profile with each, less the full profile without it')
  const costs = Object.entries(switches).sort(([, a], [, b]) => b.min - a.min)
  for (const [name, size] of costs) row(name, size, costs[0]?.[1].min ?? 1)
  const words = [...Object.entries(profiles), ...costs].map(
    ([name, { min, gzip }]) => `${name} ${kB(min)}, gzip ${kB(gzip)}`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 4}" role="img" aria-label="Bytes by profile and by switch: ${words.join('; ')}">
<style>${STYLE}</style>
${parts.join('\n')}
</svg>
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const from = process.argv[2]
  const sizes = from === undefined ? await measure() : JSON.parse(readFileSync(from, 'utf8'))
  writeFileSync(join(ROOT, 'src', 'size', 'plot.svg'), plot(sizes))
}
