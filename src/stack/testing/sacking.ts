/** Dialogues with a peer that permits SACK: the option's bytes, written and read the plain way. */
import { createStack } from '../profiles/full.ts'
import { type Dialogue, established } from './dialogue.ts'
import { u32 } from './raw.ts'

const PEER_ISS = 0xfffff000
export const SACK_PERMITTED = [1, 1, 4, 2]

type Block = readonly [from: number, to: number]

/** The peer's SACK option: blocks of what the host has sent, counted from the host's ISS. */
export function blocks(d: Dialogue, ...edges: Block[]): { options: number[] } {
  const { iss } = d.connection
  const bytes = edges.flatMap(([from, to]) => [...u32((iss + from) >>> 0), ...u32((iss + to) >>> 0)])
  return { options: [1, 1, 5, 2 + bytes.length, ...bytes] }
}

/** The blocks in options that the host sent, counted from the peer's ISS. */
export function blocksIn(options: readonly number[]): Block[] {
  for (let at = 0; at < options.length; at += options[at] === 1 ? 1 : (options[at + 1] ?? 1)) {
    if (options[at] !== 5) continue
    const count = ((options[at + 1] ?? 0) - 2) / 8
    return Array.from({ length: count }, (_, i) => [
      edge(options, at + 2 + i * 8),
      edge(options, at + 6 + i * 8),
    ])
  }
  return []
}

const edge = (bytes: readonly number[], at: number): number =>
  (new DataView(Uint8Array.from(bytes).buffer).getUint32(at) - PEER_ISS) | 0

/** A connection that agreed on SACK, 20 ms of round trip measured, with ten segments in flight, 1001 … 11001, as many as may be. */
export function flying(profile = createStack): Dialogue {
  const d = established({ memory: 1 << 20 }, 60_000, 1000, profile, SACK_PERMITTED)
  d.send(1000)
  d.wait(20)
  d.in('ACK 1:1 ack 1001 win 60000')
  d.send(10_000)
  d.skip()
  return d
}
