import { expect, test } from 'vitest'
import { plot } from './plot.js'

test('every profile and every switch has a bar, as long as its bytes', () => {
  const svg = plot({
    profiles: { full: { min: 40_000, gzip: 20_000, unshaken: 80_000, switches: ['PROC_FS'] } },
    switches: { PROC_FS: { min: 1200, gzip: 600 }, IP_PING: { min: 300, gzip: 100 } },
  })
  const widths = [...svg.matchAll(/class="min"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width))
  expect(widths).toEqual([215, 430, 107.5])
  expect(svg).toContain('full 40.0 kB, gzip 20.0 kB; PROC_FS 1.2 kB, gzip 600 B; IP_PING 300 B, gzip 100 B')
})
