/** A program that asks for a name or an address (RFC 6762, RFC 1035), and judges the answer. */
import { Event, NameType, type Socket } from '../../stack/stack.ts'
import type { Machine, Program } from '../machine.ts'
import type { QuestionPlan } from '../plan.ts'
import { nameOf } from '../settlement.ts'
import type { Complain } from './messages.ts'

/** An answer, or that there is none, is there by then: the resolver's tries take less, of the time that the machine was awake. */
const ANSWER_TAKES = 120_000

export class Questioner implements Program {
  wakeAt: number
  ended: string | undefined
  private readonly machine: Machine
  private readonly peer: Machine
  private readonly plan: QuestionPlan
  private readonly complain: Complain
  private socket: Socket | 0 = 0
  private askedAt = 0

  constructor(machine: Machine, peer: Machine, plan: QuestionPlan, now: number, complain: Complain) {
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

  step(now: number, _socket: Socket | 0, bits: number): void {
    if (this.socket === 0) return this.ask(now)
    if ((bits & Event.Readable) !== 0) this.hear()
    else if ((bits & Event.Closed) !== 0) this.end(`error ${this.machine.stack.error(this.socket)}`)
    else this.wait(now)
  }

  private ask(now: number): void {
    const { asks } = this.plan
    const type = asks === 'AAAA' ? NameType.Aaaa : asks === 'PTR' ? NameType.Ptr : NameType.A
    const made = this.machine.stack.resolve(this.question, type)
    if (made < 0) {
      this.ended = `error ${made}`
      return
    }
    this.socket = made as Socket
    this.askedAt = this.machine.awake(now)
    this.wakeAt = now + ANSWER_TAKES + 1
  }

  private get question(): string {
    const { address, index } = this.peer
    switch (this.plan.asks) {
      case 'PTR':
        return [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.')
      case 'nobody':
        return 'nobody.local'
      case 'server':
        return 'www.example'
      default:
        return `${nameOf(index)}.local`
    }
  }

  /** Nobody may be told what is not so: the answer is an address that the other has, or had. */
  private hear(): void {
    const into = new Uint8Array(255)
    const n = this.machine.stack.resolved(this.socket as Socket, into)
    if (this.plan.asks === 'nobody' || this.plan.asks === 'server')
      this.complain(`${this.question} was resolved, which nobody has`)
    if (this.plan.asks === 'A')
      for (let at = 0; at < n; at += 4) {
        const address = new DataView(into.buffer).getUint32(at)
        if (!this.peer.hasHad(address)) this.complain(`${this.question} was resolved to ${address}`)
      }
    this.end('complete')
  }

  private wait(now: number): void {
    const since = this.machine.awake(now) - this.askedAt
    if (since > ANSWER_TAKES) this.complain(`${this.question} has had no answer for ${since} ms`)
    this.wakeAt = now + Math.max(1, ANSWER_TAKES + 1 - since)
  }

  private end(how: string): void {
    this.machine.stack.close(this.socket as Socket)
    this.ended = how
  }
}
