/** Datagrams and echo requests: each may be lost, or come twice; none may come that was not sent. */
import { Event, Option, Protocol, type Socket } from '../../stack/stack.ts'
import type { Machine, Program } from '../machine.ts'
import type { DatagramsPlan, PingPlan } from '../plan.ts'
import { checkSaid, saying } from './said.ts'

export const DATAGRAM_PORT = 9
/** 239.1.2.3 */
const GROUP = 0xef010203
const LARGEST = 9_100
/** id and sequence number, two bytes each. */
const HEAD = 4

export type Complain = (what: string) => void

const message = (id: number, sequence: number, bytes: number): Uint8Array => {
  const body = saying(id, sequence, 0, bytes)
  const whole = new Uint8Array(HEAD + bytes)
  whole.set([id >> 8, id, sequence >> 8, sequence])
  whole.set(body, HEAD)
  return whole
}

/** What is wrong with a message; undefined when somebody sent it so. */
function check(plans: ReadonlyMap<number, DatagramsPlan | PingPlan>, bytes: Uint8Array): string | undefined {
  const id = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)
  const sequence = (bytes[2] ?? 0) * 256 + (bytes[3] ?? 0)
  const plan = plans.get(id)
  if (plan === undefined || sequence >= plan.count) return `a message of nobody: ${id}, ${sequence}`
  if (bytes.length !== HEAD + plan.bytes) return `message ${id}, ${sequence} has ${bytes.length} bytes`
  return checkSaid(id, sequence, 0, bytes.subarray(HEAD))
}

/** Sends at its pace, and reads what comes back. */
export class MessageSender implements Program {
  wakeAt: number
  ended: string | undefined
  private readonly machine: Machine
  private readonly peer: Machine
  private readonly plan: DatagramsPlan | PingPlan
  private readonly complain: Complain
  private readonly into = new Uint8Array(LARGEST)
  private socket: Socket | 0 = 0
  private sent = 0

  constructor(
    machine: Machine,
    peer: Machine,
    plan: DatagramsPlan | PingPlan,
    now: number,
    complain: Complain,
  ) {
    this.machine = machine
    this.peer = peer
    this.plan = plan
    this.complain = complain
    this.wakeAt = now
  }

  owns(socket: Socket): boolean {
    return socket === this.socket
  }

  lost(): void {
    this.ended = 'lost its power'
  }

  step(now: number): void {
    if (this.socket === 0 && !this.begin()) return
    this.read()
    if (this.sent < this.plan.count) {
      const { id, kind, bytes } = this.plan
      const port = kind === 'ping' ? this.sent : DATAGRAM_PORT
      // Whatever it returns: a message that cannot go now is lost, as a program's would be that sends at its pace.
      const to = this.plan.kind === 'datagrams' && this.plan.group ? GROUP : this.peer.address
      this.machine.stack.sendTo(this.socket as Socket, message(id, this.sent, bytes), to, port)
      this.sent++
      this.wakeAt = now + (this.sent < this.plan.count ? Math.max(1, this.plan.pause) : 5_000)
    } else if (this.wakeAt <= now) this.end()
  }

  private begin(): boolean {
    const made = this.machine.stack.socket(this.plan.kind === 'ping' ? Protocol.Icmp : Protocol.Udp)
    if (made < 0) {
      this.ended = `error ${made}`
      return false
    }
    this.socket = made as Socket
    const { ttl } = this.plan
    if (ttl !== undefined) this.machine.stack.setOption(this.socket, Option.Ttl, ttl)
    return true
  }

  private read(): void {
    const { stack } = this.machine
    const from = { address: 0, port: 0 }
    for (
      let n = stack.recvFrom(this.socket as Socket, this.into, from);
      n > 0;
      n = stack.recvFrom(this.socket as Socket, this.into, from)
    ) {
      const wrong = check(new Map([[this.plan.id, this.plan]]), this.into.subarray(0, n))
      if (wrong !== undefined) this.complain(wrong)
    }
  }

  private end(): void {
    this.machine.stack.close(this.socket as Socket)
    this.ended = 'complete'
  }
}

/** Takes datagrams and checks each. */
export class MessageReceiver implements Program {
  wakeAt: number
  readonly ended = undefined
  private readonly machine: Machine
  private readonly plans: ReadonlyMap<number, DatagramsPlan | PingPlan>
  private readonly complain: Complain
  private readonly into = new Uint8Array(LARGEST)
  private socket: Socket | 0 = 0

  constructor(
    machine: Machine,
    plans: ReadonlyMap<number, DatagramsPlan | PingPlan>,
    now: number,
    complain: Complain,
  ) {
    this.machine = machine
    this.plans = plans
    this.complain = complain
    this.wakeAt = now
  }

  owns(socket: Socket): boolean {
    return socket === this.socket
  }

  lost(): void {}

  step(now: number, _socket: Socket | 0, bits: number): void {
    const { stack } = this.machine
    this.wakeAt = Number.POSITIVE_INFINITY
    if (this.socket === 0) {
      const made = stack.socket(Protocol.Udp)
      if (made > 0 && stack.bind(made as Socket, 0, DATAGRAM_PORT) === 0) this.socket = made as Socket
      else this.wakeAt = now + 1_000
      if (this.socket !== 0) stack.joinGroup(this.socket, GROUP)
      return
    }
    if ((bits & Event.Readable) === 0) return
    const from = { address: 0, port: 0 }
    for (
      let n = stack.recvFrom(this.socket, this.into, from);
      n >= 0;
      n = stack.recvFrom(this.socket, this.into, from)
    ) {
      const wrong = check(this.plans, this.into.subarray(0, n))
      if (wrong !== undefined) this.complain(wrong)
    }
  }

  close(): void {
    if (this.socket === 0) return
    this.machine.stack.leaveGroup(this.socket, GROUP)
    this.machine.stack.close(this.socket)
  }
}
