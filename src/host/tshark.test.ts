/** What a segment captured is read by tshark without a malformed packet or a bad checksum. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { PackedUpdate } from './packed-update.ts'
import { Segment } from './segment.ts'
import { loadSource } from './testing/load-source.ts'

const present = spawnSync('tshark', ['--version']).status === 0

test.skipIf(!present)(
  present ? 'a capture is clean for tshark' : 'skipped: tshark is not installed',
  async () => {
    let last: PackedUpdate | undefined
    const segment = new Segment({
      now: () => performance.now(),
      timeOrigin: performance.timeOrigin,
      load: loadSource,
      captureBytes: 8 * 1024 * 1024,
      post: update => {
        last = update
      },
    })
    const folder = mkdtempSync(join(tmpdir(), 'lanlet-'))
    try {
      for (const [name, mac] of Object.entries({ alice: '02:00:00:00:00:01', bob: '02:00:00:00:00:02' }))
        await segment.command<'add-host'>({
          kind: 'add-host',
          spec: { name, profile: 'full', memory: 256 * 1024, mac },
        })
      const bob = await vi.waitFor(
        () => {
          const found = last?.hosts.map(({ address }) => address) ?? []
          if (found.length !== 2 || found.includes(undefined)) throw new Error('no address yet')
          return found[1] as string
        },
        { timeout: 8000 },
      )
      await segment.command<'ping'>({ kind: 'ping', host: 'alice', address: bob, count: 2 })
      const file = new Blob([randomBytes(300_000)])
      await segment.command<'send-file'>({ kind: 'send-file', host: 'alice', address: bob, name: 'f', file })
      const { pcapng } = await segment.command<'export-capture'>({ kind: 'export-capture' })
      const path = join(folder, 'capture.pcapng')
      writeFileSync(path, new Uint8Array(pcapng))
      const read = (filter: string) =>
        execFileSync(
          'tshark',
          ['-r', path, '-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE', '-Y', filter],
          { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
        )
          .split('\n')
          .filter(line => line !== '')
      expect(read('tcp').length).toBeGreaterThan(300)
      expect(read('icmp').length).toBe(4)
      expect(
        read(
          '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || icmp.checksum.status == "Bad"',
        ),
      ).toEqual([])
      expect(read('tcp.analysis.retransmission || tcp.analysis.lost_segment')).toEqual([])
    } finally {
      segment.end()
      rmSync(folder, { recursive: true })
    }
  },
)
