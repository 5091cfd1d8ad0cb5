/** The host's fragments, put together the plain way: once all of a datagram have been seen its checksum must be right. */
import { checksum } from './bytes.ts'
import type { Datagram, Network } from './network.ts'

export class Pieces {
  private readonly begun = new Map<string, { at: number; last: boolean; payload: readonly number[] }[]>()

  /** Throws when the datagram of which this is the last missing part is not what its checksum says. */
  add(network: Network, { from, to, protocol, payload, fragment }: Datagram, id: string): void {
    if (fragment === undefined) return
    const key = [network.version, from, to, protocol, id].join()
    const pieces = [...(this.begun.get(key) ?? []), { ...fragment, payload }].sort((a, b) => a.at - b.at)
    this.begun.set(key, pieces)
    const whole: number[] = []
    for (const piece of pieces) if (piece.at === whole.length) whole.push(...piece.payload)
    const end = pieces.find(piece => piece.last)
    if (end === undefined || whole.length !== end.at + end.payload.length) return
    this.begun.delete(key)
    if (checksum([...network.pseudoHeader(from, to, protocol, whole.length), ...whole]) !== 0)
      throw new Error('The datagram that the host sent in fragments has a wrong checksum.')
  }
}
