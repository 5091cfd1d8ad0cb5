/**
 * One running host: a stack of some profile within a budget, its clock, its sockets and its programs; towards the
 * switch it is a port. An error inside it stops this host, says so, and disturbs no other.
 */

import { DELIVERED, dropped, type Fate, Loss, lost } from '../link/fate.ts'
import { parseMac } from '../link/mac.ts'
import type { Port } from '../link/port.ts'
import { Drop } from '../stack/drop.ts'
import {
  inspectConnection,
  inspectConnections,
  inspectNeighbours,
  type TcpState,
} from '../stack/inspect/inspect.ts'
import { inspectNeighbours6 } from '../stack/inspect/ipv6.ts'
import { formatIpv4 } from '../stack/ip/addresses.ts'
import {
  type Environment,
  Event,
  type Ms,
  type Socket,
  type Stack,
  type StackConfig,
} from '../stack/stack.ts'
import { ETH_HEADER, ETH_TYPE, ETHERTYPE_IPV4 } from '../stack/wire/ethernet.ts'
import { IP_PROTOCOL, PROTOCOL_TCP } from '../stack/wire/ipv4.ts'
import { Clock, type ClockEvents, type Way } from './clock.ts'
import { runEcho } from './programs/echo.ts'
import { FileProgram } from './programs/file.ts'
import { ping } from './programs/ping.ts'
import { type ProgramHost, sentenceOf } from './programs/program.ts'
import { TextProgram } from './programs/text.ts'
import type {
  DropCount,
  HostSnapshot,
  HostSpec,
  NoticeRecord,
  PingResult,
  ProfileName,
  StateRecord,
} from './protocol.ts'
import { parseAddress } from './sockets/address.ts'
import { type DirectSockets, directSockets } from './sockets/direct-sockets.ts'
import { SocketError } from './sockets/socket-error.ts'
import { SocketTable } from './sockets/socket-table.ts'
import type { Stepper } from './turns.ts'

/** What a profile's file exports. */
export type CreateStack = (config: StackConfig, environment: Environment) => Stack

/** What a host needs of the segment that it is on. */
export interface HostSegment {
  now(): Ms
  /** A frame wants out. */
  transmit(host: Host, frame: Uint8Array, now: Ms): Way
  /** The number of the frame that was transmitted last. */
  readonly lastFrame: number
  /** The host may have something to do. */
  wake(): void
  newConnection(): number
  /** To be told to the page, in this order. */
  log(record: StateRecord | NoticeRecord): void
  /** The host's snapshot is another than before. */
  changed(): void
}

/** The frames of one step, to find the one that a change of state belongs to. */
const STEP_FRAMES = 64

interface KnownConnection {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly state: TcpState
}

export class Host implements Port, Stepper, ClockEvents, ProgramHost {
  readonly kind = 'host'
  readonly spec: HostSpec
  readonly mac: Uint8Array
  readonly table: SocketTable
  readonly sockets: DirectSockets
  readonly #segment: HostSegment
  readonly #clock: Clock
  readonly #text: TextProgram
  readonly #files: FileProgram
  readonly #drops = new Map<Drop, DropCount>()
  readonly #known = new Map<Socket, KnownConnection>()
  readonly #sentNo = new Float64Array(STEP_FRAMES)
  readonly #sentPorts = new Int32Array(STEP_FRAMES)
  #sent = 0
  #taking: number | undefined
  #unsettled = false
  #address = 0
  #stopped: SocketError | undefined

  /** Throws a RangeError with a sentence when the budget is too small for the profile. */
  constructor(spec: HostSpec, createStack: CreateStack, segment: HostSegment) {
    const mac = parseMac(spec.mac)
    if (mac === undefined)
      throw new TypeError(`'${spec.mac}' is not a MAC address; it looks like 02:00:5e:10:00:01.`)
    const secret = crypto.getRandomValues(new Uint8Array(16))
    const stack = createStack(
      { memory: spec.memory, mac, ipv6: spec.ipv6 ?? false, ...named(spec) },
      { random32, secret },
    )
    this.spec = spec
    this.mac = mac
    this.#segment = segment
    this.#clock = new Clock(stack, this)
    this.table = new SocketTable({
      stack,
      now: () => segment.now(),
      before: () => this.#clock.catchUp(segment.now()),
      after: () => this.#afterCall(),
    })
    this.sockets = directSockets(this.table)
    this.#text = new TextProgram(this)
    this.#files = new FileProgram(this)
  }

  /** Starts its programs. */
  start(): void {
    for (const running of [runEcho(this), this.#text.run(), this.#files.run()])
      running.catch(error => {
        if (this.#stopped === undefined)
          this.notice('error', `A program of ${this.name} ended: ${sentenceOf(error)}`)
      })
  }

  get name(): string {
    return this.spec.name
  }

  get profile(): ProfileName {
    return this.spec.profile
  }

  get stack(): Stack {
    return this.#clock.stack
  }

  // ---- a port of the switch -------------------------------------------------------------------------------------

  get ready(): boolean {
    return this.#stopped !== undefined || this.#clock.ready
  }

  send(frame: Uint8Array, no: number, now: Ms): Fate {
    if (this.#stopped !== undefined) return lost(Loss.HostStopped)
    this.#unsettled = true
    try {
      const drop = this.#clock.input(frame, now)
      if (drop === Drop.None) return DELIVERED
      this.#drops.set(drop, { drop, frames: (this.#drops.get(drop)?.frames ?? 0) + 1, last: no })
      return dropped(drop)
    } catch (error) {
      this.#fail(error)
      return lost(Loss.HostStopped)
    }
  }

  /** Tells what a frame that was taken has changed; after its arrival is in the log. */
  settle(no: number): void {
    if (!this.#unsettled) return
    this.#unsettled = false
    this.#taking = no
    this.#guarded(() => this.#clock.tellEvents())
    this.#taking = undefined
  }

  // ---- a stepper ------------------------------------------------------------------------------------------------

  get wants(): boolean {
    return this.#stopped === undefined && this.#clock.wants
  }

  deadline(): Ms {
    return this.#stopped === undefined ? this.#clock.deadline() : Number.POSITIVE_INFINITY
  }

  step(now: Ms): void {
    if (this.#stopped !== undefined) return
    this.#sent = 0
    this.#guarded(() => this.#clock.step(now))
    this.#sent = 0
    this.#checkAddress()
    this.#segment.changed()
  }

  /** What was held up may go on: a step follows. */
  release(): void {
    this.#clock.want()
    this.#segment.wake()
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#stopped !== undefined) return
    const why = `${this.name} was stopped by an error of its own: ${sentenceOf(error)} Restart it to go on.`
    this.#stopped = new SocketError('ECONNABORTED', why)
    this.table.end(this.#stopped)
    this.notice('error', why)
  }

  // ---- what its clock tells -------------------------------------------------------------------------------------

  transmit(frame: Uint8Array, now: Ms): Way {
    const way = this.#segment.transmit(this, frame, now)
    if (way === 'taken') this.#remember(frame)
    return way
  }

  #remember(frame: Uint8Array): void {
    const slot = this.#sent++ % STEP_FRAMES
    this.#sentNo[slot] = this.#segment.lastFrame
    this.#sentPorts[slot] = tcpPorts(frame)
  }

  happened(socket: Socket, bits: number): void {
    if ((bits & Event.State) !== 0) this.#stateChanged(socket)
    this.table.happened(socket, bits)
  }

  settled(): void {
    this.table.settle()
  }

  #stateChanged(socket: Socket): void {
    const before = this.#known.get(socket)
    const record = inspectConnection(this.stack.arena, socket)
    if (record === undefined && before === undefined) return
    const now: KnownConnection = record ?? { ...(before as KnownConnection), state: 'CLOSED' }
    if (now.state === 'CLOSED') this.#known.delete(socket)
    else this.#known.set(socket, now)
    if (before?.state === now.state) return
    const { localAddress, localPort, remoteAddress, remotePort, state } = now
    const frame = this.#taking ?? this.#sentFor(localPort, remotePort)
    this.#segment.log({
      kind: 'state',
      time: this.now(),
      host: this.name,
      localAddress,
      localPort,
      remoteAddress,
      remotePort,
      state,
      frame,
    })
  }

  /** The last frame of this step that belongs to these ports. */
  #sentFor(localPort: number, remotePort: number): number | undefined {
    const ports = (localPort << 16) | remotePort
    for (let i = this.#sent - 1; i >= 0 && i >= this.#sent - STEP_FRAMES; i--)
      if (this.#sentPorts[i % STEP_FRAMES] === ports) return this.#sentNo[i % STEP_FRAMES]
    return undefined
  }

  #afterCall(): void {
    if (this.#stopped !== undefined) return
    this.#guarded(() => this.#clock.tellEvents())
    this.release()
  }

  #checkAddress(): void {
    const { address } = this.stack
    if (address === this.#address) return
    this.#address = address
    this.notice(
      'address',
      address === 0
        ? `${this.name} gave up its address: another station has it.`
        : `${this.name} has the address ${formatIpv4(address)}.`,
    )
  }

  // ---- what its programs need -----------------------------------------------------------------------------------

  now(): Ms {
    return this.#segment.now()
  }

  newConnection(): number {
    return this.#segment.newConnection()
  }

  notice(about: NoticeRecord['about'], text: string, connection?: number): void {
    this.#segment.log({ kind: 'notice', time: this.now(), host: this.name, about, connection, text })
  }

  changed(): void {
    this.#segment.changed()
  }

  // ---- what the page asks ---------------------------------------------------------------------------------------

  get text(): TextProgram {
    return this.#text
  }

  get files(): FileProgram {
    return this.#files
  }

  ping(address: string, count: number): Promise<readonly PingResult[]> {
    return ping(this, address, count)
  }

  /** The segment is another than before: addresses are checked again. */
  linkUp(): void {
    if (this.#stopped !== undefined) return
    this.#guarded(() => this.stack.linkUp(this.now()))
    this.release()
  }

  /** The stations with these MACs are gone: connections to them end now, with this reason, and not in minutes. */
  neighboursGone(macs: readonly string[], why: string): void {
    const gone = new Set(macs)
    const { arena } = this.stack
    for (const { mac, address } of [...inspectNeighbours(arena), ...inspectNeighbours6(arena)]) {
      const parsed = parseAddress(address)
      if (!gone.has(mac) || parsed === undefined || this.#stopped !== undefined) continue
      this.table.failConnectionsTo(address, new SocketError('EHOSTUNREACH', why))
      // Those that have no socket any more, or not yet, end as well.
      this.table.call(stack => stack.hostGone(parsed))
    }
  }

  /** Ends it: connections are reset, and the resets leave before the host does. */
  end(why: string): void {
    if (this.#stopped !== undefined) return
    const reason = new SocketError('ECONNABORTED', why)
    this.table.end(reason)
    this.step(this.now())
    this.#stopped = reason
  }

  snapshot(): HostSnapshot {
    const { arena, address, memory, counters } = this.stack
    return {
      name: this.name,
      mac: this.spec.mac,
      address: address === 0 ? undefined : formatIpv4(address),
      profile: this.spec.profile,
      ipv6: this.spec.ipv6 ?? false,
      memory,
      connections: inspectConnections(arena),
      neighbours: inspectNeighbours(arena),
      counters,
      drops: [...this.#drops.values()],
      conversations: this.#text.conversations,
      transfers: this.#files.transfers,
    }
  }
}

const named = ({ localName }: HostSpec): Pick<StackConfig, 'name'> =>
  localName === undefined ? {} : { name: localName }

const random = new Uint32Array(1)
const random32 = (): number => crypto.getRandomValues(random)[0] as number

/** Source and destination port of a TCP segment in one number; 0 for any other frame. */
function tcpPorts(frame: Uint8Array): number {
  const byte = (at: number): number => frame[at] as number
  if (((byte(ETH_TYPE) << 8) | byte(ETH_TYPE + 1)) !== ETHERTYPE_IPV4) return 0
  if (byte(ETH_HEADER + IP_PROTOCOL) !== PROTOCOL_TCP) return 0
  const at = ETH_HEADER + (byte(ETH_HEADER) & 0x0f) * 4
  return (byte(at) << 24) | (byte(at + 1) << 16) | (byte(at + 2) << 8) | byte(at + 3)
}
