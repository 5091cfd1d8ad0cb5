/**
 * Both ends of a TCP connection. Each says what the plan gives it, reads what the other says, and checks every byte of it.
 * The client begins with four bytes that tell the server which plan this is.
 *
 * An end is over when it has read the other's FIN and given all of its own, when an error ended it, or when nothing has
 * moved for so long that a person would have given up.
 */
import { ENOBUFS, EOPNOTSUPP } from '../../stack/errno.ts'
import { Event, Option, Protocol, type Socket } from '../../stack/stack.ts'
import type { Machine, Program } from '../machine.ts'
import type { StreamPlan } from '../plan.ts'
import { checkSaid, saying } from './said.ts'

const ID_BYTES = 4
export const STREAM_PORT = 7
export const BACKLOG = 4
/** Longer than any timer of TCP's. */
const GIVE_UP_AFTER = 900_000
/** Memory may come back without a word. */
const AGAIN_AFTER = 200
/** Of a client, to be connected. */
const TRIES = 50
/** How often it asks in vain for memory for its first word. */
const STARVED = 300
/** A call ends within R2 of RFC 9293, 3.8.3, which is 183 s here (tcp/clock.ts): of the time that the machine was awake. */
const CALL_TAKES = 250_000
/** A listener: connections that may bring text. */
const WITH_TEXT = 4
/** Seconds. */
const LINGERS = 5
/** Both ends of a stream that is called from both sides have this port and its number. */
const CROSS_PORT = 2_000

/** How an end came to its end: 'complete', or what kept it from that. */
export type Ending =
  | 'complete'
  | 'reset on purpose'
  | 'gave up'
  | 'lost its power'
  | 'no address'
  | `error ${number}`
  | `wrong: ${string}`

export type Side = 'client' | 'server'
export type Told = (id: number, side: Side, ending: Ending) => void

export abstract class End implements Program {
  wakeAt: number
  ended: Ending | undefined
  protected readonly machine: Machine
  protected socket: Socket | 0 = 0
  protected readonly into: Uint8Array
  protected heardEnd = false
  readonly side: Side
  private closed = false
  private movedAt: number
  private sent = 0
  private heard = 0
  private saidAll = false

  constructor(machine: Machine, side: Side, now: number, piece: number) {
    this.machine = machine
    this.side = side
    this.movedAt = now
    this.wakeAt = now
    this.into = new Uint8Array(piece)
  }

  abstract get plan(): StreamPlan | undefined
  protected abstract record(ending: Ending): void

  owns(socket: Socket): boolean {
    return socket === this.socket
  }

  lost(): void {
    this.ended = 'lost its power'
    this.record(this.ended)
  }

  protected end(ending: Ending): void {
    if (this.ended !== undefined) return
    this.ended = ending
    if (this.socket !== 0) {
      if (ending === 'complete') this.close(this.socket)
      else this.machine.stack.abort(this.socket)
    }
    this.record(ending)
  }

  private close(socket: Socket): void {
    const { stack } = this.machine
    if (this.side === 'client' && this.plan?.ending === 'linger')
      stack.setOption(socket, Option.Linger, LINGERS)
    stack.close(socket)
  }

  protected moved(now: number): void {
    this.movedAt = now
  }

  /** Reads a piece and says a piece; then waits for more of either, or for its own pace. */
  protected converse(now: number, bits: number): void {
    if ((bits & Event.Closed) !== 0) this.closed = true
    if ((bits & Event.Urgent) !== 0) this.machine.stack.urgent(this.socket as Socket)
    const reads = this.read(now)
    if (this.ended !== undefined) return
    this.say(now)
    if (this.ended !== undefined) return
    const more = reads || this.hasMoreToSay()
    if (this.heardEnd && this.saidAll) return this.end('complete')
    if (this.closed && !more && this.napsUntil <= now) {
      const error = this.socket === 0 ? 0 : this.machine.stack.error(this.socket)
      return this.end(`error ${error}`)
    }
    if (now - this.movedAt >= GIVE_UP_AFTER) return this.end('gave up')
    this.wakeAt = Math.min(
      this.movedAt + GIVE_UP_AFTER,
      now + (more ? Math.max(1, this.pause) : this.starves ? AGAIN_AFTER : AGAIN_AFTER * 50),
      this.napsUntil > now ? this.napsUntil : Number.POSITIVE_INFINITY,
    )
  }

  private napsUntil = 0

  /** Whether it reads nothing now: it sleeps once, when it has heard half. */
  private naps(now: number): boolean {
    const { plan } = this
    if (plan?.nap === undefined || this.side !== 'client' || this.heard * 2 < plan.back) return false
    if (this.napsUntil === 0) this.napsUntil = now + plan.nap
    if (this.napsUntil > now) this.moved(now)
    return this.napsUntil > now
  }

  private get pause(): number {
    return this.plan?.pause ?? 0
  }

  /** Whether there may be more to read that only its own pace holds back. */
  private read(now: number): boolean {
    const { plan } = this
    if (this.heardEnd || this.socket === 0 || this.naps(now)) return false
    const n = this.machine.stack.recv(this.socket, this.into)
    if (n === 0) this.hearEnd()
    if (n > 0 && plan !== undefined) {
      const wrong = checkSaid(plan.id, this.side === 'client' ? 1 : 0, this.heard, this.into.subarray(0, n))
      if (wrong !== undefined) this.end(`wrong: ${wrong}`)
      this.heard += n
    }
    if (n >= 0) this.moved(now)
    return n > 0
  }

  /** Whether only its own pace holds back what it has to say. */
  private hasMoreToSay(): boolean {
    return this.plan !== undefined && !this.saidAll && !this.blocked && !this.closed && this.hasTheWord()
  }

  /** Whether it may speak: the second to speak hears the first out. */
  private hasTheWord(): boolean {
    const { turns, ending } = this.plan ?? {}
    return turns === undefined || ending !== 'order' || turns.startsWith(this.side) || this.heardEnd
  }

  private blocked = false
  private starves = false

  private hearEnd(): void {
    this.heardEnd = true
    const { plan } = this
    if (plan === undefined) return
    const all = this.side === 'client' ? plan.back : plan.bytes
    // Whoever resets says less; a FIN behind less than all is never right.
    if (this.heard !== all) this.end(`wrong: the end came after ${this.heard} of ${all} bytes of ${plan.id}`)
  }

  private say(now: number): void {
    const { plan, socket } = this
    if (plan === undefined || socket === 0 || this.saidAll || !this.hasTheWord()) return
    const all = this.side === 'client' ? plan.bytes : plan.back
    const n = this.machine.stack.send(
      socket,
      saying(plan.id, this.side === 'client' ? 0 : 1, this.sent, Math.min(plan.piece, all - this.sent)),
    )
    this.blocked = n < 0
    this.starves = n === ENOBUFS
    if (n > 0) {
      this.sent += n
      this.moved(now)
    }
    if (this.side === 'client' && plan.ending === 'reset' && this.sent >= all / 2)
      return this.end('reset on purpose')
    if (this.sent < all) return
    this.saidAll = true
    this.blocked = false
    if (this.side === 'client' && (plan.ending === 'deaf' || plan.ending === 'linger')) this.heardEnd = true
    else this.machine.stack.shutdown(socket)
  }

  abstract step(now: number, socket: Socket | 0, bits: number): void
}

/** What the world tells a client. */
export interface Circumstances {
  readonly told: Told
  /** When every host has had the time to find an address, after the storm. */
  readonly addressedBy: number
  complain(what: string): never
}

/** An end that calls the other. */
abstract class Caller extends End {
  readonly plan: StreamPlan
  protected readonly peer: Machine
  private readonly world: Circumstances
  private tries = 0
  private calledAt = 0

  constructor(
    machine: Machine,
    peer: Machine,
    plan: StreamPlan,
    now: number,
    world: Circumstances,
    side: Side,
  ) {
    super(machine, side, now, plan.piece)
    this.plan = plan
    this.peer = peer
    this.world = world
  }

  protected record(ending: Ending): void {
    this.world.told(this.plan.id, this.side, ending)
  }

  /** 0, or the error of the call. */
  protected abstract call(socket: Socket): number

  protected begin(now: number): void {
    const { stack } = this.machine
    if (!this.machine.reaches(this.peer)) return this.waitForAddress(now)
    const made = stack.socket(Protocol.Tcp)
    if (made < 0) return this.later(now, made)
    const error = this.set(made as Socket) ? this.call(made as Socket) : ENOBUFS
    if (error < 0) {
      stack.close(made as Socket)
      return this.later(now, error)
    }
    this.socket = made as Socket
    this.connected = false
    this.calledAt = this.machine.awake(now)
    this.moved(now)
    this.wakeAt = now + CALL_TAKES + 1
  }

  private waitForAddress(now: number): void {
    this.wakeAt = now + AGAIN_AFTER * 5
    if (now > this.world.addressedBy) this.end('no address')
  }

  /** False: it could not ask for keep-alives. */
  private set(socket: Socket): boolean {
    const { noDelay, reno, userTimeout } = this.plan
    const { stack } = this.machine
    if (noDelay) stack.setOption(socket, Option.NoDelay, 1)
    if (reno) stack.setOption(socket, Option.Congestion, 0)
    if (userTimeout !== undefined) stack.setOption(socket, Option.UserTimeout, userTimeout)
    return this.machine.keepAlive(socket)
  }

  /** No way there, nobody there yet, no memory: a program tries again, for a while. */
  private later(now: number, error: number): void {
    if (this.tries++ === TRIES) return this.end(`error ${error}`)
    // Two that call each other do so at the same moment.
    const wait = AGAIN_AFTER * 10
    this.wakeAt = (Math.floor(now / wait) + 1) * wait
  }

  /** The connection ended before anything was said. */
  protected beginAgain(now: number): void {
    const { stack } = this.machine
    const error = stack.error(this.socket as Socket)
    stack.close(this.socket as Socket)
    this.socket = 0
    this.later(now, error)
  }

  private connected = false

  protected isConnected(bits: number): boolean {
    if ((bits & Event.Connected) !== 0) this.connected = true
    return this.connected
  }

  /** It has called, and nobody has answered yet. */
  protected calls(now: number): void {
    const since = this.machine.awake(now) - this.calledAt
    if (since > CALL_TAKES)
      this.world.complain(`stream ${this.plan.id}: a call has had no end for ${since} ms`)
    this.wakeAt = now + Math.max(1, CALL_TAKES + 1 - since)
  }
}

export class StreamClient extends Caller {
  private introduced = 0

  constructor(machine: Machine, peer: Machine, plan: StreamPlan, now: number, world: Circumstances) {
    super(machine, peer, plan, now, world, 'client')
  }

  step(now: number, _socket: Socket | 0, bits: number): void {
    if (this.socket === 0) return this.begin(now)
    const connected = this.isConnected(bits)
    if ((bits & Event.Closed) !== 0 && !(connected && this.introduced === ID_BYTES)) {
      this.introduced = 0
      this.beginAgain(now)
    } else if (!connected) this.calls(now)
    else if (this.introduced < ID_BYTES) this.introduce(now)
    else this.converse(now, bits)
  }

  private get name(): Uint8Array {
    const { id } = this.plan
    return Uint8Array.of(id >>> 24, id >>> 16, id >>> 8, id).subarray(this.introduced)
  }

  protected call(socket: Socket): number {
    const { stack } = this.machine
    const address = (this.plan.ipv6 && this.machine.address6(this.peer)) || this.peer.address
    if (this.plan.opening === 'text') {
      const taken = stack.sendTo(socket, this.name, address, STREAM_PORT)
      if (taken >= 0) this.introduced = taken
      if (taken !== EOPNOTSUPP) return taken
    }
    return stack.connect(socket, address, STREAM_PORT)
  }

  private introduce(now: number): void {
    const n = this.machine.stack.send(this.socket as Socket, this.name)
    this.wakeAt = now + AGAIN_AFTER
    if (n <= 0) return this.starve(n)
    this.introduced += n
    this.moved(now)
    this.wakeAt = now
  }

  /** Where memory does not come back for the first word, a program leaves what it has to the others. */
  private starve(error: number): void {
    if (this.starved++ > STARVED) this.end(`error ${error}`)
  }

  private starved = 0
}

/** RFC 9293, 3.5, figure 7: both ends call, each from the port that the other calls. */
export class CrossingEnd extends Caller {
  protected call(socket: Socket): number {
    const { stack } = this.machine
    const port = CROSS_PORT + this.plan.id
    // A host of several links has several addresses: this is the one that it is called by.
    const bound = stack.bind(socket, this.machine.address, port)
    return bound < 0 ? bound : stack.connect(socket, this.peer.address, port)
  }

  step(now: number, _socket: Socket | 0, bits: number): void {
    if (this.socket === 0) return this.begin(now)
    if (this.isConnected(bits)) return this.converse(now, bits)
    if ((bits & Event.Closed) !== 0) return this.beginAgain(now)
    this.calls(now)
  }
}

/** The server's end: which plan it is it learns from the first bytes. */
class StreamServer extends End {
  plan: StreamPlan | undefined
  private readonly plans: ReadonlyMap<number, StreamPlan>
  private readonly told: Told
  private readonly opening: number[] = []

  constructor(
    machine: Machine,
    socket: Socket,
    plans: ReadonlyMap<number, StreamPlan>,
    now: number,
    told: Told,
  ) {
    super(machine, 'server', now, 4_096)
    this.socket = socket
    this.plans = plans
    this.told = told
  }

  protected record(ending: Ending): void {
    if (this.plan !== undefined) this.told(this.plan.id, 'server', ending)
  }

  step(now: number, _socket: Socket | 0, bits: number): void {
    if (this.plan === undefined) this.learn(now)
    if (this.ended === undefined) this.converse(now, bits)
  }

  private learn(now: number): void {
    const one = new Uint8Array(1)
    while (this.opening.length < ID_BYTES) {
      const n = this.machine.stack.recv(this.socket as Socket, one)
      if (n === 0) return this.end('complete')
      if (n < 0) return
      this.opening.push(one[0] ?? 0)
    }
    this.moved(now)
    this.plan = this.plans.get(this.opening.reduce((id, byte) => id * 256 + byte, 0))
    if (this.plan === undefined) this.end('wrong: no client says this')
  }
}

/** Accepts what comes, for as long as the machine has power. */
export class StreamListener implements Program {
  wakeAt: number
  readonly ended = undefined
  private readonly machine: Machine
  private readonly plans: ReadonlyMap<number, StreamPlan>
  private readonly told: Told
  private socket: Socket | 0 = 0

  constructor(machine: Machine, plans: ReadonlyMap<number, StreamPlan>, now: number, told: Told) {
    this.machine = machine
    this.plans = plans
    this.told = told
    this.wakeAt = now
  }

  owns(socket: Socket): boolean {
    return socket === this.socket
  }

  lost(): void {}

  step(now: number): void {
    const { stack } = this.machine
    if (this.socket === 0) return this.begin(now)
    this.wakeAt = now + AGAIN_AFTER * 50
    for (let made = stack.accept(this.socket); made > 0; made = stack.accept(this.socket)) {
      // One that could wait for ever is not begun.
      if (!this.machine.keepAlive(made as Socket)) {
        stack.abort(made as Socket)
        continue
      }
      this.machine.programs.push(new StreamServer(this.machine, made as Socket, this.plans, now, this.told))
    }
  }

  private begin(now: number): void {
    const { stack } = this.machine
    this.wakeAt = now + AGAIN_AFTER
    const made = stack.socket(Protocol.Tcp)
    if (made < 0) return
    if (stack.bind(made as Socket, 0, STREAM_PORT) === 0 && stack.listen(made as Socket, BACKLOG) === 0) {
      this.socket = made as Socket
      stack.setOption(this.socket, Option.FastOpen, WITH_TEXT)
    } else stack.close(made as Socket)
  }

  /** It is closed, with what waits in it, and opens again. */
  hush(until: number): void {
    if (this.socket !== 0) this.machine.stack.close(this.socket)
    this.socket = 0
    this.wakeAt = until
  }

  /** No more connections. */
  close(): void {
    this.hush(Number.POSITIVE_INFINITY)
  }
}
