/** Why a socket failed, as programs meet it. */
import type { Errno } from '../../stack/errno.ts'
import { errnoName, errnoSentence } from '../../stack/errno-names.ts'

/** Why a socket failed: `code` is the error's name ('ECONNREFUSED'), `message` a sentence. */
export class SocketError extends Error {
  override readonly name = 'NetworkError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export const socketError = (error: Errno): SocketError =>
  new SocketError(errnoName(error), errnoSentence(error))

/** A closed handle found nothing to say of itself: it ended in order. */
export const stale = (): SocketError => new SocketError('ECONNABORTED', 'The connection has ended.')
