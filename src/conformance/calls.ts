/** The socket calls of a script: each gives its result in the script's notation, a count, a name or an error's code. */
import { errnoName } from '../stack/errno-names.ts'
import { type Endpoint, Option, type Protocol, type Socket, type Stack } from '../stack/stack.ts'
import { NotationError } from './notation.ts'
import { address6Bytes, address6Text } from './packets/address6.ts'
import { textByte } from './packets/bytes.ts'
import { addressBytes } from './packets/ipv4.ts'
import { SHOWN6 } from './shown6.ts'

/** What a call needs of the run. */
export interface Caller {
  readonly stack: Stack
  readonly now: number
  /** The socket of that name. */
  socketOf(name: string): Socket
  /** A new socket gets the name that the script expects. */
  nameSocket(name: string, socket: Socket): void
  /** The host begins a connection. */
  connecting(address: string, port: number): void
  /** How much of its text a socket has sent and received. */
  readonly progress: Map<string, { sent: number; received: number }>
}

export type Call = (caller: Caller, values: readonly string[], expected: string) => string

const result = (value: number): string => (value < 0 ? errnoName(value) : String(value))

const ipv4Number = (text: string): number => addressBytes(text).reduce((sum, byte) => sum * 256 + byte, 0)
const ipv6Bytes = (text: string): Uint8Array => Uint8Array.from(address6Bytes(text))
const addressOf = (text: string): number | Uint8Array =>
  text.includes(':') ? ipv6Bytes(text) : ipv4Number(text)

const ipv4Text = (n: number): string => [24, 16, 8, 0].map(shift => (n >>> shift) & 255).join('.')
const ipv6Text = (bytes: Uint8Array): string => address6Text([...bytes])

/** 'address:port', '[address]:port', or a port alone */
function endpoint(text: string): [string, number] {
  const at = text.lastIndexOf(':')
  if (at < 0) return ['0.0.0.0', Number(text)]
  return [text.slice(0, at).replace(/^\[|\]$/g, ''), Number(text.slice(at + 1))]
}

const blankEndpoint = (): Endpoint & { address6: Uint8Array } => ({
  address: 0,
  address6: new Uint8Array(16),
  port: 0,
})

function endpointText({ address, address6, port }: Endpoint & { address6: Uint8Array }): string {
  const is6 = address6.some(byte => byte !== 0)
  return `${is6 ? `[${ipv6Text(address6)}]` : ipv4Text(address)}:${port}`
}

const hostText = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => textByte('host', from + i))

function progressOf(caller: Caller, name: string): { sent: number; received: number } {
  const known = caller.progress.get(name) ?? { sent: 0, received: 0 }
  caller.progress.set(name, known)
  return known
}

/** Reads, and compares with what the peer's text says there. 'n', 'n eof', 'n data hex', 'eof' or an error. */
const recv: Call = (caller, [name = '', size = ''], expected) => {
  const socket = caller.socketOf(name)
  const into = new Uint8Array(Number(size))
  const got = caller.stack.recv(socket, into)
  if (got < 0) return result(got)
  const data = /data ([0-9a-f]+)/.exec(expected)?.[1]
  const behind = expected.endsWith(' eof') && caller.stack.recv(socket, new Uint8Array(1)) === 0 ? ' eof' : ''
  if (got === 0) return into.length === 0 ? '0' : 'eof'
  const progress = progressOf(caller, name)
  if (data !== undefined) {
    const seen = [...into.slice(0, data.length / 2)].map(byte => byte.toString(16).padStart(2, '0')).join('')
    return `${got} data ${seen}${behind}`
  }
  const wrong = into.subarray(0, got).findIndex((byte, i) => byte !== textByte('peer', progress.received + i))
  if (wrong >= 0) return `${got}, of which byte ${progress.received + wrong + 1} is not what the peer sent`
  progress.received += got
  return `${got}${behind}`
}

export const CALLS: Readonly<Record<string, Call>> = {
  ...SHOWN6,
  socket(caller, [protocol = ''], expected) {
    const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmp6: 58 }
    const made = caller.stack.socket((numbers[protocol] ?? Number(protocol)) as (typeof Protocol)['Tcp'])
    if (made < 0) return result(made)
    caller.nameSocket(expected, made as Socket)
    return expected
  },
  bind(caller, [name = '', where = '']) {
    const [address, port] = endpoint(where)
    return result(caller.stack.bind(caller.socketOf(name), addressOf(address), port))
  },
  listen: (caller, [name = '', backlog = '']) =>
    result(caller.stack.listen(caller.socketOf(name), Number(backlog))),
  accept(caller, [name = ''], expected) {
    const child = caller.stack.accept(caller.socketOf(name))
    if (child < 0) return result(child)
    caller.nameSocket(expected, child as Socket)
    return expected
  },
  connect(caller, [name = '', where = '']) {
    const [address, port] = endpoint(where)
    const got = caller.stack.connect(caller.socketOf(name), addressOf(address), port)
    if (got === 0) caller.connecting(address, port)
    return result(got)
  },
  send(caller, [name = '', size = '']) {
    const progress = progressOf(caller, name)
    const taken = caller.stack.send(caller.socketOf(name), hostText(progress.sent, Number(size)))
    progress.sent += Math.max(0, taken)
    return result(taken)
  },
  recv,
  sendto(caller, [name = '', size = '', where = '']) {
    const [address, port] = endpoint(where)
    const data = hostText(0, Number(size))
    return result(caller.stack.sendTo(caller.socketOf(name), data, addressOf(address), port))
  },
  /** Connects with text, as `sendTo` does for TCP (RFC 7413, appendix A). */
  open(caller, [name = '', size = '', where = '']) {
    const [address, port] = endpoint(where)
    const progress = progressOf(caller, name)
    const data = hostText(0, Number(size))
    const taken = caller.stack.sendTo(caller.socketOf(name), data, addressOf(address), port)
    progress.sent += Math.max(0, taken)
    if (taken >= 0) caller.connecting(address, port)
    return result(taken)
  },
  recvfrom(caller, [name = '', size = '']) {
    const from = blankEndpoint()
    const into = new Uint8Array(Number(size))
    const got = caller.stack.recvFrom(caller.socketOf(name), into, from)
    if (got < 0) return result(got)
    const wrong = into.subarray(0, got).findIndex((byte, i) => byte !== textByte('peer', i))
    if (wrong >= 0) return `${got}, of which byte ${wrong} is not what the peer sent`
    return `${got} from ${endpointText(from)}`
  },
  setOption(caller, [name = '', option = '', value = '']) {
    const number = (Option as Readonly<Record<string, number>>)[option] ?? Number(option)
    return result(caller.stack.setOption(caller.socketOf(name), number as Option, Number(value)))
  },
  joinGroup: (caller, [name = '', group = '']) =>
    result(caller.stack.joinGroup(caller.socketOf(name), ipv4Number(group))),
  leaveGroup: (caller, [name = '', group = '']) =>
    result(caller.stack.leaveGroup(caller.socketOf(name), ipv4Number(group))),
  shutdown: (caller, [name = '']) => result(caller.stack.shutdown(caller.socketOf(name))),
  close: (caller, [name = '']) => result(caller.stack.close(caller.socketOf(name))),
  abort: (caller, [name = '']) => result(caller.stack.abort(caller.socketOf(name))),
  error: (caller, [name = '']) => result(caller.stack.error(caller.socketOf(name))),
  name(caller, [name = '', end = '']) {
    const into = blankEndpoint()
    if (end !== 'local' && end !== 'remote')
      throw new NotationError("A socket's name is its 'local' or its 'remote' end.")
    const known = caller.stack.name(caller.socketOf(name), end, into)
    return known ? endpointText(into) : 'EBADF'
  },
  /** The host's own address, 'none' while it has none. */
  address: caller => (caller.stack.address === 0 ? 'none' : ipv4Text(caller.stack.address)),
  /** The largest frame that the host takes, bytes. */
  largestFrame: caller => String(caller.stack.largestFrame),
  setAddress(caller, [address = '', gateway = '0.0.0.0']) {
    const [host = '', prefix = ''] = address.split('/')
    caller.stack.setAddress(ipv4Number(host), Number(prefix), ipv4Number(gateway))
    return '0'
  },
  addAddress(caller, [address = '']) {
    const [host = '', prefix = ''] = address.split('/')
    return result(caller.stack.addAddress(0, ipv4Number(host), Number(prefix)))
  },
  removeAddress: (caller, [address = '']) => result(caller.stack.removeAddress(ipv4Number(address))),
  addRoute(caller, [network = '', gateway = '0.0.0.0', metric = '0']) {
    const [host = '', prefix = ''] = network.split('/')
    const route = {
      destination: ipv4Number(host),
      prefixLength: Number(prefix),
      gateway: ipv4Number(gateway),
    }
    return result(caller.stack.addRoute({ ...route, link: 0, metric: Number(metric) }))
  },
  removeRoute(caller, [network = '', metric = '0']) {
    const [host = '', prefix = ''] = network.split('/')
    return result(caller.stack.removeRoute(ipv4Number(host), Number(prefix), Number(metric)))
  },
  urgent: (caller, [name = '']) => result(caller.stack.urgent(caller.socketOf(name))),
  setSysctl: (caller, [name = '', value = '']) => result(caller.stack.setSysctl(name, Number(value))),
  linkUp(caller) {
    caller.stack.linkUp(caller.now)
    return '0'
  },
  joinGroup6: (caller, [group = '']) => result(caller.stack.joinGroup6(ipv6Bytes(group))),
  leaveGroup6: (caller, [group = '']) => result(caller.stack.leaveGroup6(ipv6Bytes(group))),
  addAddress6(caller, [address = '']) {
    const [host = '', prefix = ''] = address.split('/')
    return result(caller.stack.addAddress6(ipv6Bytes(host), Number(prefix)))
  },
  removeAddress6: (caller, [address = '']) => result(caller.stack.removeAddress6(ipv6Bytes(address))),
  /** The order in which to try them. */
  sortDestinations: (caller, addresses) =>
    caller.stack
      .sortDestinations(addresses.map(addressOf))
      .map(address => (typeof address === 'number' ? ipv4Text(address) : ipv6Text(address)))
      .join(', '),
  hostGone(caller, [address = '']) {
    caller.stack.hostGone(addressOf(address))
    return '0'
  },
}
