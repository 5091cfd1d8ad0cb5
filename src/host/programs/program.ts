/** What a program is given of the host that it runs on. */
import type { Ms } from '../../stack/stack.ts'
import type { ConnectionId, HostName, NoticeRecord } from '../protocol.ts'
import type { DirectSockets } from '../sockets/direct-sockets.ts'
import type { SocketTable } from '../sockets/socket-table.ts'

export interface ProgramHost {
  readonly name: HostName
  readonly sockets: DirectSockets
  /** For what Direct Sockets has no word for: ping. */
  readonly table: SocketTable
  /** 'full', 'client' or 'minimal', for sentences. */
  readonly profile: string
  now(): Ms
  newConnection(): ConnectionId
  /** Tells a person. */
  notice(about: NoticeRecord['about'], text: string, connection?: ConnectionId): void
  /** Something that the page shows of this program has changed. */
  changed(): void
}

export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
