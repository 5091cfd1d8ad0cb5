/** What the machine can do at best, in the same run: copying, and the checksum, a segment's worth at a time. */
import { Arena } from '../stack/memory/arena.ts'
import { sumBytes } from '../stack/wire/checksum.ts'

const SEGMENT = 1460
const REGION = 1024 * 1024

/** MB/s of `Uint8Array.set`, 1,460 bytes a call. */
export function memcpyMBps(samples: number): number[] {
  const from = new Uint8Array(SEGMENT).fill(7)
  const to = new Uint8Array(REGION)
  return rates(samples, i => {
    to.set(from, (i * SEGMENT) % (REGION - SEGMENT))
    return 0
  })
}

/** MB/s of the stack's own checksum, 1,460 bytes a call. */
export function checksumMBps(samples: number): number[] {
  const arena = new Arena(new ArrayBuffer(REGION))
  arena.bytes.fill(7)
  return rates(samples, i => sumBytes(arena, ((i * SEGMENT) % (REGION - SEGMENT)) & ~3, SEGMENT))
}

/** `work` returns a number that is added up, so that no compiler drops it. */
function rates(samples: number, work: (i: number) => number): number[] {
  const count = 200_000
  let kept = 0
  const run = () => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < count; i++) kept += work(i)
    return (count * SEGMENT) / 1e6 / (Number(process.hrtime.bigint() - start) / 1e9)
  }
  run()
  const result = Array.from({ length: samples }, run)
  if (kept === -1) console.log(kept)
  return result
}
