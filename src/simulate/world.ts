/**
 * A run: the plan's hosts on the plan's wire, in virtual time, until all is over; and what must be true of every run.
 *
 * After the storm the wire is calm, all machines run and no allocation fails. Then every conversation must come to an end
 * within the bounds of TCP's timers; those that nothing excuses must end in order, with every byte. In the end nobody
 * holds a socket, and each pool is back at what it was when its host began.
 */
import { createHash } from 'node:crypto'
import { expectSound } from '../stack/testing/invariants.ts'
import { Dice } from './dice.ts'
import { Machine, usedBy } from './machine.ts'
import type { DatagramsPlan, Incident, PingPlan, Plan, StreamPlan } from './plan.ts'
import { MessageReceiver, MessageSender } from './programs/messages.ts'
import { End, type Ending, StreamClient, StreamListener } from './programs/stream.ts'
import { Wire } from './wire.ts'

/** Until the hosts' addresses have been probed and claimed. */
const BEGIN_TAKES = 20_000
/** The storm's last moment: incidents end before it. */
const STORM_ENDS = 300_000
/** All conversations are over so long after the storm: a program gives up after a quarter of an hour, TCP before. */
const ENDS_WITHIN = 2_000_000
/** Until the last TIME-WAIT, reassembly and neighbour is forgotten. */
const FORGETS_WITHIN = 700_000
/** Frames and steps between two looks at the arenas. */
const LOOK_EVERY = 400
/** A run that takes more steps than this runs in circles. */
const STEPS_AT_MOST = 3_000_000
/** Interruptions that TCP outlives, also in the handshake: whoever was asked waits half a minute for its last ACK, and longer each time. */
const BEARABLE = 10_000

export interface Outcome {
  readonly seed: number
  /** What went wrong first, in a sentence; undefined when nothing did. */
  readonly failure: string | undefined
  /** Of all frames and their times. */
  readonly digest: string
  readonly frames: number
  /** Virtual. */
  readonly seconds: number
  /** Conversations by their end. */
  readonly endings: ReadonlyMap<Ending | 'unheard', number>
}

export function run(plan: Plan): Outcome {
  const world = new World(plan)
  let failure: string | undefined
  try {
    world.play()
  } catch (error) {
    failure = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    if (error instanceof Error && !(error instanceof Wrong))
      failure = `${error.name}: ${failure} ${where(error)}`
  }
  return world.outcome(failure)
}

/** Something that must be true of every run is not. */
class Wrong extends Error {}

const where = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter(line => line.trimStart().startsWith('at '))
    .slice(0, 4)
    .map(line => line.trim().split(' (')[0])
    .join(' ')

class World {
  readonly #plan: Plan
  readonly #wire: Wire
  readonly #machines: readonly Machine[]
  readonly #streams = new Map<number, StreamPlan>()
  readonly #messages = new Map<number, DatagramsPlan | PingPlan>()
  readonly #closing: { close(): void }[] = []
  readonly #endings = new Map<string, Ending>()
  /** What is still to happen, by its time. */
  readonly #agenda: { readonly at: number; readonly act: () => void }[] = []
  readonly #digest = createHash('sha256')
  #now = 0
  #frames = 0
  #steps = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.#wire = new Wire(new Dice(plan.seed ^ 0x77777777))
    this.#machines = plan.hosts.map((host, index) => new Machine(host, index, plan.seed))
    for (const incident of plan.incidents) {
      if (incident.kind === 'stream') this.#streams.set(incident.id, incident)
      if (incident.kind === 'datagrams' || incident.kind === 'ping') this.#messages.set(incident.id, incident)
    }
  }

  play(): void {
    this.#runUntil(BEGIN_TAKES)
    for (const machine of this.#machines) {
      machine.remember()
      this.#serve(machine)
    }
    for (const incident of this.#plan.incidents)
      this.#later(BEGIN_TAKES + incident.at, () => this.#happen(incident))
    this.#later(BEGIN_TAKES + STORM_ENDS, () => this.#calm())
    this.#runUntil(BEGIN_TAKES + STORM_ENDS + 1)
    this.#runUntil(this.#now + ENDS_WITHIN, () => this.#isQuiet())
    if (!this.#isQuiet()) throw new Wrong(`after ${this.#now} ms conversations still go on: ${this.#open()}`)
    this.#judge()
    this.#later(this.#now, () => {
      for (const each of this.#closing) each.close()
    })
    this.#runUntil(this.#now + FORGETS_WITHIN)
    this.#expectBaseline()
  }

  outcome(failure: string | undefined): Outcome {
    const endings = new Map<Ending | 'unheard', number>()
    for (const id of this.#streams.keys())
      for (const side of ['client', 'server']) {
        const ending = this.#endings.get(`${id} ${side}`) ?? 'unheard'
        endings.set(ending, (endings.get(ending) ?? 0) + 1)
      }
    return {
      seed: this.#plan.seed,
      failure: failure && `${Math.round(this.#now)} ms: ${failure}`,
      digest: this.#digest.digest('hex'),
      frames: this.#frames,
      seconds: this.#now / 1_000,
      endings,
    }
  }

  // ---- time ----------------------------------------------------------------------------------------------------

  #later(at: number, act: () => void): void {
    let place = this.#agenda.length
    while (place > 0 && (this.#agenda[place - 1]?.at ?? 0) > at) place--
    this.#agenda.splice(place, 0, { at, act })
  }

  #runUntil(until: number, done: () => boolean = () => false): void {
    while (!done()) {
      const next = Math.min(
        this.#wire.next,
        this.#agenda[0]?.at ?? Number.POSITIVE_INFINITY,
        ...this.#machines.map(machine => machine.nextAt()),
      )
      if (next > until) break
      this.#now = Math.max(this.#now, next)
      this.#turn()
    }
    if (!done()) this.#now = Math.max(this.#now, until)
  }

  #turn(): void {
    if (++this.#steps > STEPS_AT_MOST) throw new Wrong(`${this.#steps} steps, and no end`)
    this.#act()
    for (let frame = this.#wire.take(this.#now); frame; frame = this.#wire.take(this.#now))
      for (const machine of this.#machines)
        if (machine.index !== frame.from && this.#wire.hears(frame.from, machine.index)) {
          machine.input(frame.bytes, this.#now)
          this.#step(machine)
        }
    for (const machine of this.#machines) {
      if (!machine.runs && machine.sleepsUntil <= this.#now) machine.wake()
      if (machine.nextAt() <= this.#now) this.#step(machine)
    }
    if (this.#steps % LOOK_EVERY === 0) this.#look()
  }

  #act(): void {
    const due = (this.#agenda[0]?.at ?? Number.POSITIVE_INFINITY) <= this.#now
    while ((this.#agenda[0]?.at ?? Number.POSITIVE_INFINITY) <= this.#now) this.#agenda.shift()?.act()
    // Whoever was called has something to send, or to tell.
    if (due) for (const machine of this.#machines) this.#step(machine)
  }

  #step(machine: Machine): void {
    machine.step(this.#now, bytes => {
      this.#frames++
      this.#digest.update(`${this.#now} ${machine.index} `).update(bytes)
      this.#wire.send(machine.index, bytes, this.#now)
    })
  }

  #look(): void {
    for (const machine of this.#machines) expectSound(machine.stack)
  }

  // ---- what happens --------------------------------------------------------------------------------------------

  #serve(machine: Machine): void {
    const streams = new StreamListener(machine, this.#streams, this.#now, this.#told)
    const messages = new MessageReceiver(machine, this.#messages, this.#now, complain)
    machine.programs.push(streams, messages)
    this.#closing.push(streams, messages)
  }

  readonly #told = (id: number, side: string, ending: Ending): void => {
    const other = side === 'client' ? 'server' : 'client'
    if (ending === 'gave up' && this.#now > BEGIN_TAKES + STORM_ENDS && this.#waits(id, other))
      throw new Wrong(`stream ${id}: its two ends have waited for each other for a quarter of an hour`)
    // A client that tried again may have reached the server twice: its last word counts.
    this.#endings.set(`${id} ${side}`, ending)
    if (ending.startsWith('wrong')) throw new Wrong(`stream ${id}, ${side}: ${ending}`)
  }

  /** Whether this end of a stream is still there and has not ended. */
  #waits(id: number, side: 'client' | 'server'): boolean {
    return this.#machines.some(({ programs }) =>
      programs.some(
        program =>
          program instanceof End &&
          program.side === side &&
          program.plan?.id === id &&
          program.ended === undefined,
      ),
    )
  }

  #machine(index: number): Machine {
    const machine = this.#machines[index]
    if (machine === undefined) throw new RangeError(`There is no host ${index} in this plan.`)
    return machine
  }

  #happen(incident: Incident): void {
    const ends = (lasts: number) => Math.min(this.#now + lasts, BEGIN_TAKES + STORM_ENDS - 1)
    switch (incident.kind) {
      case 'stream': {
        const [machine, peer] = [this.#machine(incident.from), this.#machine(incident.to)]
        machine.programs.push(new StreamClient(machine, peer, incident, this.#now, this.#told))
        return
      }
      case 'datagrams':
      case 'ping': {
        const [machine, peer] = [this.#machine(incident.from), this.#machine(incident.to)]
        machine.programs.push(new MessageSender(machine, peer, incident, this.#now, complain))
        return
      }
      case 'weather':
        this.#wire.weather = incident.weather
        return
      case 'partition':
        this.#wire.partition(incident.hosts)
        return this.#later(ends(incident.lasts), () => this.#wire.heal(incident.hosts))
      case 'restart':
        return this.#restart(this.#machine(incident.host), ends(incident.lasts))
      case 'sleep':
        return this.#machine(incident.host).sleep(ends(incident.lasts), this.#now, incident.clockRuns)
      case 'linkUp':
        return this.#machine(incident.host).linkUp(this.#now)
      case 'transplant':
        return this.#machine(incident.host).transplant()
      case 'refuse':
        this.#machine(incident.host).refuse(incident.every)
        return this.#later(ends(incident.lasts), () => this.#machine(incident.host).refuse(0))
    }
  }

  #restart(machine: Machine, until: number): void {
    machine.losePower()
    machine.sleep(until, this.#now, true)
    this.#later(until, () => this.#serve(machine))
  }

  #calm(): void {
    this.#wire.calm()
    for (const machine of this.#machines) machine.refuse(0)
  }

  // ---- the end -------------------------------------------------------------------------------------------------

  /** Whether all that had something to say has ended. */
  #isQuiet(): boolean {
    return this.#machines.every(machine => machine.programs.length <= 2)
  }

  #open(): string {
    return this.#machines
      .flatMap(({ index, programs }) =>
        programs.slice(2).map(program => `${program.constructor.name} on ${index}`),
      )
      .join(', ')
  }

  /** Every stream has ended; one without an excuse has ended in order, on both sides. */
  #judge(): void {
    for (const [id, plan] of this.#streams) {
      const client = this.#endings.get(`${id} client`)
      const server = this.#endings.get(`${id} server`)
      if (client === undefined) throw new Wrong(`the client of stream ${id} came to no end`)
      if (plan.ending !== 'order' || this.#isExcused(plan)) continue
      if (client !== 'complete' || server !== 'complete')
        throw new Wrong(
          `stream ${id} has no excuse: its client ended with '${client}', its server with '${server}'`,
        )
    }
  }

  #isExcused({ from, to }: StreamPlan): boolean {
    const ends = [from, to]
    if (ends.some(index => this.#machine(index).stack.memory.failures > 0)) return true
    return this.#plan.incidents.some(incident => {
      if (incident.kind === 'partition') return incident.lasts > BEARABLE
      if (incident.kind === 'sleep') return ends.includes(incident.host) && incident.lasts > BEARABLE
      if (incident.kind === 'restart' || incident.kind === 'refuse') return ends.includes(incident.host)
      return false
    })
  }

  #expectBaseline(): void {
    for (const machine of this.#machines) {
      expectSound(machine.stack)
      for (const [pool, used] of usedBy(machine.stack)) {
        const before = machine.baseline.get(pool) ?? 0
        if (used > before)
          throw new Wrong(`host ${machine.index} holds ${used} bytes of ${pool}, and had ${before}`)
      }
    }
  }
}

const complain = (what: string): never => {
  throw new Wrong(what)
}
