/** UDP with the kernel: datagrams of every size come back from a server of ours, large ones in fragments. */
import type { DirectSockets } from '../host/sockets/direct-sockets.ts'
import type { UDPMessage } from '../host/sockets/udp-socket.ts'
import { type Check, expectRun } from './check.ts'
import { type Ends, FAMILIES } from './kernel-ends.ts'

const ECHO_PORT = 7
/** RFC 768, RFC 791: 65,507 are all that IPv4 has room for; over IPv6 there were 20 more. */
const SIZES = [0, 1, 1_452, 1_453, 1_472, 1_473, 9_000, 20_000, 65_507]

/** RFC 862: sends back what comes, until the socket is closed. */
export async function serveEcho(sockets: DirectSockets): Promise<void> {
  const { readable, writable } = await new sockets.UDPSocket({ localPort: ECHO_PORT }).opened
  const writer = writable.getWriter()
  for await (const message of readable as unknown as AsyncIterable<Required<UDPMessage>>)
    await writer.write(message)
}

/** One after the other, each with a content of its own; what is not back after two seconds is lost. */
const client = (address: string, family: number): string => `
  const { randomBytes } = require('crypto')
  const socket = require('dgram').createSocket('udp${family}')
  const next = ([size, ...rest]) => {
    if (size === undefined) return process.exit(console.log('all'))
    const said = randomBytes(size)
    socket.send(said, ${ECHO_PORT}, '${address}')
    const late = setTimeout(() => process.exit(1), 2000)
    console.log('of', size)
    socket.once('message', heard => {
      clearTimeout(late)
      heard.equals(said) ? next(rest) : process.exit(1)
    })
  }
  next(${JSON.stringify(SIZES)})`

export const datagrams = ({ linux }: Ends): readonly Check[] =>
  FAMILIES.map(({ words, ours }) => ({
    name: `${words}datagrams of 0 to 65,507 bytes come back from our echo, byte for byte`,
    needs: [],
    run: () => expectRun(linux, process.execPath, ['-e', client(ours, words === '' ? 4 : 6)], /^all$/m, 20),
  }))
