/** A host's use of memory over the last two minutes: the pools stacked, the budget as the full height. */
import { html, svg } from 'lit'
import { sizeName } from '../lab/budget.ts'
import { HISTORY_MS, type Sample } from '../lab/memory-history.ts'
import { poolLook } from './memory-bar.ts'

const [WIDTH, HEIGHT] = [600, 100]

/** `now`: the worker's clock, to which the newest sample still holds. */
export function memoryGraph(samples: readonly Sample[], now: number) {
  const last = samples.at(-1)
  const first = samples[0]
  if (first === undefined || last === undefined) return html`<p class="mute">Nothing yet.</p>`
  const from = Math.max(first.time, now - HISTORY_MS)
  const span = Math.max(1000, now - from)
  const names = last.memory.pools.map(({ name }) => name).filter(name => name !== 'free')
  const x = (time: number): number => Math.max(0, ((time - from) / span) * WIDTH)
  const seen = samples.map(({ time }) => time)
  const peak = HEIGHT - (last.memory.peak / last.memory.size) * HEIGHT
  const words = `${sizeName(last.memory.used)} now, at most ${sizeName(last.memory.peak)}, of ${sizeName(last.memory.size)}`
  const tops = names.map((_, i) => samples.map(sample => heightOf(sample, names.slice(0, i + 1))))
  return html`<svg class="graph" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="Memory over the last ${Math.round(span / 1000)} seconds: ${words}">
      ${names.map((name, i) => svg`<path d=${band(seen, tops[i] ?? [], tops[i - 1], x)} fill=${poolLook(name)[0]} />`)}
      <line class="peak" x1="0" x2=${WIDTH} y1=${peak} y2=${peak} />
    </svg>
    <p class="axis mute"><span>${Math.round(span / 1000)} s ago</span><span>- - peak ${sizeName(last.memory.peak)}</span><span>now</span></p>`
}

const heightOf = ({ memory }: Sample, names: readonly string[]): number =>
  (memory.pools.filter(({ name }) => names.includes(name)).reduce((sum, { used }) => sum + used, 0) /
    memory.size) *
  HEIGHT

/** One pool between its own top and the one below it: steps, for between two samples the older one holds. */
function band(
  times: readonly number[],
  top: readonly number[],
  bottom: readonly number[] | undefined,
  x: (time: number) => number,
): string {
  const steps = (heights: readonly number[]) =>
    times.map((time, i) => ({
      from: x(time),
      to: i + 1 < times.length ? x(times[i + 1] as number) : WIDTH,
      y: HEIGHT - (heights[i] ?? 0),
    }))
  const there = steps(top).map(({ from, to, y }) => `${from.toFixed(1)} ${y.toFixed(2)}H${to.toFixed(1)}`)
  const back = steps(bottom ?? times.map(() => 0)).reverse()
  return `M${there.join('L')}L${back.map(({ from, to, y }) => `${to.toFixed(1)} ${y.toFixed(2)}H${from.toFixed(1)}`).join('L')}Z`
}
