/** ping: ICMP or ICMPv6 echo requests (RFC 792; RFC 4443, 4.1) one after the other, each answered or given up after a second. */
import { EPROTONOSUPPORT, isErrno } from '../../stack/errno.ts'
import { Event, type Ms, Protocol } from '../../stack/stack.ts'
import type { PingResult } from '../protocol.ts'
import { blankEndpoint, formatAddress, requireAddress, told } from '../sockets/address.ts'
import { socketError } from '../sockets/socket-error.ts'
import type { ProgramHost } from './program.ts'

export const PING_COUNT_MAX = 100
const TIMEOUT: Ms = 1_000
/** Between an answer and the next request. */
const PAUSE: Ms = 200
const DATA_BYTES = 56

/** Rejects with a sentence: a wrong address or count, no ping in the profile, no way to the address. */
export async function ping(
  host: ProgramHost,
  address: string,
  count: number,
): Promise<readonly PingResult[]> {
  const to = requireAddress(address)
  const asked = formatAddress(to)
  if (!Number.isInteger(count) || count < 1 || count > PING_COUNT_MAX)
    throw new TypeError(`${count} is not a number of pings; ask for 1 to ${PING_COUNT_MAX}.`)
  const socket = host.table.call(stack =>
    stack.socket(typeof to === 'number' ? Protocol.Icmp : Protocol.Icmp6),
  )
  if (isErrno(socket)) {
    if (socket !== EPROTONOSUPPORT) throw socketError(socket)
    throw new Error(
      `The profile '${host.profile}' has no ping sockets; restart the host as 'full' to ping from it.`,
    )
  }
  const pings: PingResult[] = []
  const data = Uint8Array.from({ length: DATA_BYTES }, (_, i) => i)
  const into = new Uint8Array(DATA_BYTES)
  const from = blankEndpoint()
  const watch = host.table.watch(socket)

  const ask = async (sequence: number): Promise<PingResult> => {
    const sent = host.now()
    const result = host.table.call(stack => stack.sendTo(socket, data, to, sequence))
    if (isErrno(result)) throw socketError(result)
    for (;;) {
      const left = sent + TIMEOUT - host.now()
      if (left <= 0) return { sequence, rtt: undefined }
      const arrivedAt = await watch.within(left, Event.Readable | Event.Closed)
      if (arrivedAt === undefined) continue
      // Replies to earlier requests may come late: they are read and passed over.
      for (;;) {
        const length = host.table.call(stack => stack.recvFrom(socket, into, from))
        if (isErrno(length)) break
        if (from.port === sequence && told(from).address === asked) return { sequence, rtt: arrivedAt - sent }
      }
      if (watch.ended !== undefined) throw new Error('The host ended before the reply came.')
    }
  }

  try {
    for (let sequence = 1; sequence <= count; sequence++) {
      const result = await ask(sequence)
      pings.push(result)
      host.notice('ping', pingSentence(address, result))
      if (sequence < count) await new Promise(resolve => setTimeout(resolve, PAUSE))
    }
    return pings
  } finally {
    host.table.close(socket, 'close')
  }
}

const pingSentence = (address: string, { sequence, rtt }: PingResult): string =>
  rtt === undefined
    ? `Ping ${sequence} to ${address}: no reply within a second.`
    : `Ping ${sequence} to ${address}: reply after ${rtt.toFixed(2)} ms.`
