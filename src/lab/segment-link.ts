/** What the lab needs of the worker that runs the segment; src/host/client.ts gives it. */
import type { Command, Replies, Update } from '../host/protocol.ts'

export interface SegmentLink {
  /** Rejects with one sentence that says what is wrong and what would be right. */
  request<K extends Command['kind']>(
    command: Extract<Command, { kind: K }>,
    transfer?: Transferable[],
  ): Promise<Replies[K]>
  onUpdate(take: (update: Update) => void): void
}
