/** What remains of hosts whose worker has ended: what was said, what was sent, and that it is over. */
import type { Conversation, HostSnapshot, Transfer } from '../host/protocol.ts'

/** As many as a person might read back. */
const MOST = 50

export class Ended {
  readonly conversations: Conversation[] = []
  readonly transfers: Transfer[] = []

  /** `why`: one sentence. */
  take(hosts: readonly HostSnapshot[], why: string): void {
    for (const { conversations, transfers } of hosts) {
      for (const talk of conversations)
        this.conversations.push(talk.open ? { ...talk, open: false, ended: why } : talk)
      for (const transfer of transfers)
        this.transfers.push(isUnderWay(transfer) ? { ...transfer, failed: why } : transfer)
    }
    this.conversations.splice(0, this.conversations.length - MOST)
    this.transfers.splice(0, this.transfers.length - MOST)
  }
}

const isUnderWay = ({ sha256, failed }: Transfer): boolean => sha256 === undefined && failed === undefined
