/**
 * Replays: a sealed message that was recorded and sent again opens as well as it did the first time. Each session
 * numbers what it says, and nobody hears a number twice on one topic (MQTT keeps the order of one, 3.1.1, 4.6).
 *
 * Memory is bounded. Sessions that proved to be fresh, by naming ours, are remembered apart from those that only said
 * hello: a flood of recorded hellos cannot push them out.
 */
import type { Message } from './message.ts'
import type { PeerId } from './room.ts'

/** Sessions remembered, of each kind; the one that spoke longest ago is forgotten first. */
export const REMEMBERED = 256

export class ReplayGuard {
  readonly #heard = new Map<PeerId, number>()
  readonly #heardByUs = new Map<PeerId, number>()

  /** False: it was heard before. Call it once, when a message has opened. */
  isNew({ say, from, to, sequence }: Pick<Message, 'say' | 'from' | 'to' | 'sequence'>): boolean {
    // A last will is written before all that follows it; what it costs when it is replayed is one probe.
    if (say === 'gone') return true
    const heard = to === undefined ? this.#heard : this.#heardByUs
    if (sequence <= (heard.get(from) ?? 0)) return false
    heard.delete(from)
    heard.set(from, sequence)
    if (heard.size > REMEMBERED) heard.delete(heard.keys().next().value as PeerId)
    return true
  }
}
