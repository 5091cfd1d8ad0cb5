/** What tshark finds wrong with a capture. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePcapng } from '../link/pcapng.ts'
import type { Passed } from './node-host.ts'

const WRONG =
  '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad"'
const VALIDATE = ['ip', 'tcp', 'udp'].flatMap(protocol => ['-o', `${protocol}.check_checksum:TRUE`])

/** The first frames with a fault, in one sentence; undefined when there are none. */
export function faultsIn(passed: readonly Passed[], folder: string): string | undefined {
  const path = join(folder, 'capture.pcapng')
  const packets = passed.map(({ at, bytes }) => ({
    interface: 0,
    time: Math.round(at * 1000),
    bytes,
    comment: undefined,
  }))
  writeFileSync(path, new Uint8Array(writePcapng({ interfaces: ['wire'], packets })))
  const { status, stdout, stderr } = spawnSync('tshark', ['-r', path, ...VALIDATE, '-Y', WRONG], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) return `tshark ended with ${status}: ${stderr.trim().slice(-300)}`
  const faults = stdout.split('\n').filter(Boolean)
  return faults.length === 0 ? undefined : `${faults.length} faults of ${packets.length} frames: ${faults[0]}`
}
