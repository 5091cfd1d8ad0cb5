/** Echo, RFC 862, over TCP and UDP: what comes in goes back. */
import type { ProgramHost } from './program.ts'

export const ECHO_PORT = 7

/** Listens until the host ends. */
export async function runEcho(host: ProgramHost): Promise<void> {
  await Promise.all([echoConnections(host), echoDatagrams(host)])
}

async function echoConnections({ sockets }: ProgramHost): Promise<void> {
  const { readable } = await new sockets.TCPServerSocket('0.0.0.0', { localPort: ECHO_PORT }).opened
  const reader = readable.getReader()
  for (;;) {
    const { value: connection, done } = await reader.read()
    if (done) return
    const { readable: incoming, writable: outgoing } = await connection.opened
    // A connection that breaks ends its own echo and nothing else.
    incoming.pipeTo(outgoing).catch(() => undefined)
  }
}

async function echoDatagrams(host: ProgramHost): Promise<void> {
  // A stream is over with the first write that fails, and where to answer is chosen by whoever asks: then a new socket serves on.
  for (;;) await echoUntilOneFails(host)
}

async function echoUntilOneFails({ sockets }: ProgramHost): Promise<void> {
  const socket = new sockets.UDPSocket({ localPort: ECHO_PORT })
  const { readable, writable } = await socket.opened
  const reader = readable.getReader()
  const writer = writable.getWriter()
  writer.closed.catch(() => undefined)
  for (;;) {
    const { value: message, done } = await reader.read()
    if (done) return
    // RFC 768: port 0 wants no answer. Two echoes would answer each other for ever.
    if (message.remotePort === 0 || message.remotePort === ECHO_PORT) continue
    if (
      !(await writer.write(message).then(
        () => true,
        () => false,
      ))
    ) {
      reader.releaseLock()
      writer.releaseLock()
      return socket.close()
    }
  }
}
