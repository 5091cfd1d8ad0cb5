/** What each error code means to a person: for messages, never for control flow. Kept out of the profiles. */
import * as codes from './errno.ts'

const SENTENCES: Record<string, string> = {
  ENOENT: 'There is no such name or entry.',
  EBADF: 'The socket was closed already.',
  EAGAIN: 'Nothing is ready yet; try again later.',
  EBUSY: 'Another listing is under way on this socket; read it to its end.',
  ENODEV: 'The host has no such link.',
  EINVAL: 'The socket is not in a state that allows this.',
  EPIPE: 'This side has already said that it sends no more.',
  ENODATA: 'The name is there, but has no address of that kind.',
  EPROTO: 'No server could answer the question.',
  EMSGSIZE: 'The datagram is larger than this host can send.',
  ENOPROTOOPT: 'There is no such option in this profile.',
  EPROTONOSUPPORT: 'This profile does not include that protocol.',
  EOPNOTSUPP: 'This kind of socket cannot do that.',
  EAFNOSUPPORT: 'There are no addresses of that family here.',
  EADDRINUSE: 'Another socket already has that port; choose another.',
  EADDRNOTAVAIL: 'The host does not have that address.',
  ENETUNREACH: 'The host has no address or route for that destination.',
  ECONNABORTED: 'The connection was aborted on this side.',
  ECONNRESET: 'The peer reset the connection.',
  ENOBUFS: 'The memory budget is used up; close a connection or raise the budget.',
  EISCONN: 'The socket is connected already.',
  ENOTCONN: 'The socket is not connected.',
  ETIMEDOUT: 'The peer did not answer in time.',
  ECONNREFUSED: 'The peer refused the connection: nothing listens on that port.',
  EHOSTUNREACH: 'No host on the segment answers for that address.',
}

/** The code's name, such as 'ECONNREFUSED'. */
export function errnoName(error: number): string {
  for (const [name, code] of Object.entries(codes)) if (code === error) return name
  return `errno ${-error}`
}

/** One sentence that says what happened. */
export const errnoSentence = (error: number): string => SENTENCES[errnoName(error)] ?? `Error ${-error}.`
