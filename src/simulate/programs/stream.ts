/**
 * Both ends of a TCP connection. Each says what the plan gives it, reads what the other says, and checks every byte of it.
 * The client begins with four bytes that tell the server which plan this is.
 *
 * An end is over when it has read the other's FIN and given all of its own, when an error ended it, or when nothing has
 * moved for so long that a person would have given up.
 */
import { Event, Protocol, type Socket } from '../../stack/stack.ts'
import type { Machine, Program } from '../machine.ts'
import type { StreamPlan } from '../plan.ts'
import { checkSaid, saying } from './said.ts'

const ID_BYTES = 4
export const STREAM_PORT = 7
const BACKLOG = 4
/** Longer than any timer of TCP's. */
const GIVE_UP_AFTER = 900_000
/** Memory may come back without a word. */
const AGAIN_AFTER = 200
/** Of a client, to be connected. */
const TRIES = 50

/** How an end came to its end: 'complete', or what kept it from that. */
export type Ending =
  | 'complete'
  | 'reset on purpose'
  | 'gave up'
  | 'lost its power'
  | `error ${number}`
  | `wrong: ${string}`

export type Told = (id: number, side: 'client' | 'server', ending: Ending) => void

export abstract class End implements Program {
  wakeAt: number
  ended: Ending | undefined
  protected readonly machine: Machine
  protected socket: Socket | 0 = 0
  protected readonly into: Uint8Array
  protected heardEnd = false
  readonly side: 'client' | 'server'
  private closed = false
  private movedAt: number
  private sent = 0
  private heard = 0
  private saidAll = false

  constructor(machine: Machine, side: 'client' | 'server', now: number, piece: number) {
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
      if (ending === 'complete') this.machine.stack.close(this.socket)
      else this.machine.stack.abort(this.socket)
    }
    this.record(ending)
  }

  protected moved(now: number): void {
    this.movedAt = now
  }

  /** Reads a piece and says a piece; then waits for more of either, or for its own pace. */
  protected converse(now: number, bits: number): void {
    if ((bits & Event.Closed) !== 0) this.closed = true
    const more = this.read(now)
    if (this.ended !== undefined) return
    this.say(now)
    if (this.ended !== undefined) return
    if (this.heardEnd && this.saidAll) return this.end('complete')
    if (this.closed && !more) {
      const error = this.socket === 0 ? 0 : this.machine.stack.error(this.socket)
      return this.end(`error ${error}`)
    }
    if (now - this.movedAt >= GIVE_UP_AFTER) return this.end('gave up')
    this.wakeAt = Math.min(
      this.movedAt + GIVE_UP_AFTER,
      now + (more ? Math.max(1, this.pause) : AGAIN_AFTER * 50),
    )
  }

  private get pause(): number {
    return this.plan?.pause ?? 0
  }

  /** Whether there may be more to read, or to say, that only its own pace holds back. */
  private read(now: number): boolean {
    const { plan } = this
    if (this.heardEnd || this.socket === 0) return this.hasMoreToSay()
    const n = this.machine.stack.recv(this.socket, this.into)
    if (n === 0) this.hearEnd()
    if (n > 0 && plan !== undefined) {
      const wrong = checkSaid(plan.id, this.side === 'client' ? 1 : 0, this.heard, this.into.subarray(0, n))
      if (wrong !== undefined) this.end(`wrong: ${wrong}`)
      this.heard += n
    }
    if (n >= 0) this.moved(now)
    return n > 0 || this.hasMoreToSay()
  }

  private hasMoreToSay(): boolean {
    return this.plan !== undefined && !this.saidAll && !this.blocked && !this.closed
  }

  private blocked = false

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
    if (plan === undefined || socket === 0 || this.saidAll) return
    const all = this.side === 'client' ? plan.bytes : plan.back
    const n = this.machine.stack.send(
      socket,
      saying(plan.id, this.side === 'client' ? 0 : 1, this.sent, Math.min(plan.piece, all - this.sent)),
    )
    this.blocked = n < 0
    if (n > 0) {
      this.sent += n
      this.moved(now)
    }
    if (this.side === 'client' && plan.ending === 'reset' && this.sent >= all / 2)
      return this.end('reset on purpose')
    if (this.sent < all) return
    this.saidAll = true
    this.blocked = false
    if (this.side === 'client' && plan.ending === 'deaf') this.heardEnd = true
    else this.machine.stack.shutdown(socket)
  }

  abstract step(now: number, socket: Socket | 0, bits: number): void
}

export class StreamClient extends End {
  readonly plan: StreamPlan
  private readonly told: Told
  private readonly peer: Machine
  private introduced = 0

  constructor(machine: Machine, peer: Machine, plan: StreamPlan, now: number, told: Told) {
    super(machine, 'client', now, plan.piece)
    this.plan = plan
    this.peer = peer
    this.told = told
  }

  protected record(ending: Ending): void {
    this.told(this.plan.id, 'client', ending)
  }

  step(now: number, _socket: Socket | 0, bits: number): void {
    if (this.socket === 0) this.begin(now)
    else if (this.introduced < ID_BYTES) this.introduce(now, bits)
    else this.converse(now, bits)
  }

  private begin(now: number): void {
    const { stack } = this.machine
    const made = stack.socket(Protocol.Tcp)
    if (made < 0) return this.later(now, made)
    this.machine.keepAlive(made as Socket)
    const address = (this.plan.ipv6 && this.machine.address6 && this.peer.address6) || this.peer.address
    const error = stack.connect(made as Socket, address, STREAM_PORT)
    if (error < 0) {
      stack.close(made as Socket)
      return this.later(now, error)
    }
    this.socket = made as Socket
    this.moved(now)
    this.wakeAt = now + GIVE_UP_AFTER
  }

  /** No way there, nobody there yet, no memory: a program tries again, for a while. */
  private later(now: number, error: number): void {
    if (this.tries++ === TRIES) return this.end(`error ${error}`)
    this.wakeAt = now + AGAIN_AFTER * 10
  }

  private tries = 0

  private introduce(now: number, bits: number): void {
    const { id } = this.plan
    const whole = Uint8Array.of(id >>> 24, id >>> 16, id >>> 8, id)
    const n = this.machine.stack.send(this.socket as Socket, whole.subarray(this.introduced))
    if (n > 0) this.introduced += n
    if (n > 0) this.moved(now)
    this.wakeAt = now + (n > 0 ? 0 : GIVE_UP_AFTER)
    if ((bits & Event.Closed) !== 0) this.beginAgain(now)
  }

  /** The connection ended before anything was said. */
  private beginAgain(now: number): void {
    const { stack } = this.machine
    const error = stack.error(this.socket as Socket)
    stack.close(this.socket as Socket)
    this.socket = 0
    this.introduced = 0
    this.later(now, error)
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
      this.machine.keepAlive(made as Socket)
      this.machine.programs.push(new StreamServer(this.machine, made as Socket, this.plans, now, this.told))
    }
  }

  private begin(now: number): void {
    const { stack } = this.machine
    this.wakeAt = now + AGAIN_AFTER
    const made = stack.socket(Protocol.Tcp)
    if (made < 0) return
    if (stack.bind(made as Socket, 0, STREAM_PORT) === 0 && stack.listen(made as Socket, BACKLOG) === 0)
      this.socket = made as Socket
    else stack.close(made as Socket)
  }

  /** No more connections. */
  close(): void {
    if (this.socket !== 0) this.machine.stack.close(this.socket)
    this.wakeAt = Number.POSITIVE_INFINITY
  }
}
