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
import { runErrand, undoErrand } from './errand.ts'
import { BEGIN_TAKES, isExcused } from './excuses.ts'
import { Machine, usedBy } from './machine.ts'
import type { DatagramsPlan, Incident, PingPlan, Plan, StreamPlan } from './plan.ts'
import { MessageReceiver, MessageSender } from './programs/messages.ts'
import { Questioner } from './programs/questions.ts'
import { CrossingEnd, End, type Ending, type Side, StreamClient, StreamListener } from './programs/stream.ts'
import { Watcher } from './programs/watcher.ts'
import type { Recorder } from './recorder.ts'
import { wirePlans } from './settlement.ts'
import { expectAddresses } from './tenancy.ts'
import { Wire } from './wire.ts'

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
/** After the storm every host that asks for an address has one within: a DHCP client asks once a minute at least (RFC 2131, 4.1). */
const ADDRESSED_WITHIN = 300_000

export interface Outcome {
  readonly seed: number
  /** What went wrong first, in a sentence; undefined when nothing did. */
  readonly failure: string | undefined
  /** Of all frames and their times. */
  readonly digest: string
  readonly frames: number
  /** Virtual. */
  readonly seconds: number
  /** Those whose doings show it, the one to blame first. */
  readonly hosts: readonly number[]
  /** Conversations by their end. */
  readonly endings: ReadonlyMap<Ending | 'unheard', number>
}

/** `record` gives the recorder of a host, if it is to be overheard. */
export function run(plan: Plan, record: (host: number) => Recorder | undefined = () => undefined): Outcome {
  const world = new World(plan, record)
  let failure: string | undefined
  let hosts: readonly number[] = []
  try {
    world.play()
  } catch (error) {
    if (error instanceof Wrong) hosts = error.hosts
    failure = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    if (error instanceof Error && !(error instanceof Wrong))
      failure = `${error.name}: ${failure} ${where(error)}`
  }
  return world.outcome(failure, hosts)
}

/** Something that must be true of every run is not; what these hosts did shows it. */
class Wrong extends Error {
  readonly hosts: readonly number[]

  constructor(sentence: string, hosts: readonly number[] = []) {
    super(sentence)
    this.hosts = hosts
  }
}

const where = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter(line => line.trimStart().startsWith('at '))
    .slice(0, 4)
    .map(line => line.trim().split(' (')[0])
    .join(' ')

class World {
  readonly #plan: Plan
  readonly #wires: readonly Wire[]
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

  constructor(plan: Plan, record: (host: number) => Recorder | undefined) {
    this.#plan = plan
    this.#wires = wirePlans(plan).map(
      (wire, index, { length }) =>
        new Wire(wire, index, length > 1, new Dice((plan.seed ^ 0x77777777) + index)),
    )
    this.#machines = plan.hosts.map((_, index) => new Machine(plan, index, record(index)))
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
      for (const machine of this.#machines) machine.stack.leave()
    })
    this.#runUntil(this.#now + FORGETS_WITHIN)
    this.#expectBaseline()
  }

  outcome(failure: string | undefined, hosts: readonly number[]): Outcome {
    const endings = new Map<Ending | 'unheard', number>()
    for (const id of this.#streams.keys())
      for (const side of ['client', 'server']) {
        const ending = this.#endings.get(`${id} ${side}`) ?? 'unheard'
        endings.set(ending, (endings.get(ending) ?? 0) + 1)
      }
    return {
      seed: this.#plan.seed,
      failure: failure && `${Math.round(this.#now)} ms: ${failure}`,
      hosts,
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
        ...this.#wires.map(wire => wire.next),
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
    for (const [index, wire] of this.#wires.entries())
      for (let frame = wire.take(this.#now); frame; frame = wire.take(this.#now))
        for (const machine of this.#machines)
          if (
            machine.index !== frame.from &&
            machine.wires.includes(index) &&
            wire.hears(frame.from, machine.index)
          ) {
            machine.input(frame.bytes, this.#now, index)
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
    machine.step(this.#now, (bytes, wire) => {
      this.#frames++
      this.#digest.update(`${this.#now} ${machine.index} ${wire} `).update(bytes)
      this.#wires[wire]?.send(machine.index, bytes, this.#now)
    })
  }

  #look(): void {
    for (const machine of this.#machines) this.#expectSound(machine)
    expectAddresses(this.#plan, this.#machines)
  }

  #expectSound(machine: Machine): void {
    try {
      expectSound(machine.stack, machine.edges)
    } catch (error) {
      throw new Wrong(`host ${machine.index}: ${error instanceof Error ? error.message : error}`, [
        machine.index,
      ])
    }
  }

  // ---- what happens --------------------------------------------------------------------------------------------

  #serve(machine: Machine): void {
    const streams = new StreamListener(machine, this.#streams, this.#now, this.#told)
    const messages = new MessageReceiver(machine, this.#messages, this.#now, complain)
    machine.programs.push(streams, messages)
    this.#closing.push(streams, messages)
  }

  readonly #told = (id: number, side: Side, ending: Ending): void => {
    const { from, to } = this.#streams.get(id) as StreamPlan
    if (ending === 'gave up' && this.#now > BEGIN_TAKES + STORM_ENDS) this.#hung(id, side)
    if (ending.startsWith('wrong'))
      throw new Wrong(`stream ${id}, ${side}: ${ending}`, side === 'client' ? [from, to] : [to, from])
    // A client that tried again may have reached the server twice: its last word counts. But text in a SYN may reach it once
    // more when all was said (RFC 7413, 2.1: that "the application … tolerates duplicate SYN data" is asked of it).
    const key = `${id} ${side}`
    if (this.#streams.get(id)?.opening === 'text' && this.#endings.get(key) === 'complete') return
    this.#endings.set(key, ending)
  }

  /** For a quarter of an hour of calm nothing has moved, and nobody said why. */
  #hung(id: number, side: Side): void {
    const { from, to } = this.#streams.get(id) as StreamPlan
    const [own, peer] = side === 'client' ? [from, to] : [to, from]
    if (this.#waits(id, side === 'client' ? 'server' : 'client'))
      throw new Wrong(`stream ${id}: its two ends have waited for each other for a quarter of an hour`, [
        own,
        peer,
      ])
    // RFC 9293, 3.8.4: whoever only listens and asks nothing may wait for ever. Those profiles that can have keep-alives do ask.
    // Where memory is full the other end's host may hear no first word, and so keep a connection that no program speaks on.
    const isFull = [own, peer].some(index => this.#machine(index).stack.memory.failures > 0)
    if (this.#machine(own).plan.profile !== 'minimal' && !isFull)
      throw new Wrong(`stream ${id}: its ${side} was not told that there is no other end`, [own, peer])
  }

  /** Whether this end of a stream is still there and has not ended. */
  #waits(id: number, side: Side): boolean {
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
      case 'stream':
        return this.#beginStream(incident)
      case 'datagrams':
      case 'ping': {
        const [machine, peer] = [this.#machine(incident.from), this.#machine(incident.to)]
        machine.programs.push(new MessageSender(machine, peer, incident, this.#now, complain))
        return
      }
      case 'question': {
        const [machine, peer] = [this.#machine(incident.from), this.#machine(incident.to)]
        machine.programs.push(new Questioner(machine, peer, incident, this.#now, complain))
        return
      }
      case 'watcher': {
        const machine = this.#machine(incident.host)
        machine.programs.push(new Watcher(machine, incident, this.#now))
        return
      }
      case 'weather':
        for (const wire of this.#wiresOf(incident)) wire.weather = incident.weather
        return
      case 'partition': {
        const wires = this.#wiresOf(incident)
        for (const wire of wires) wire.partition(incident.hosts)
        return this.#later(ends(incident.lasts), () => {
          for (const wire of wires) wire.heal(incident.hosts)
        })
      }
      case 'restart':
        return this.#restart(this.#machine(incident.host), ends(incident.lasts))
      case 'sleep':
        return this.#machine(incident.host).sleep(ends(incident.lasts), this.#now, incident.clockRuns)
      case 'linkUp':
        return this.#machine(incident.host).linkUp(this.#now)
      case 'transplant':
        return this.#machine(incident.host).transplant(this.#now)
      case 'refuse':
        this.#machine(incident.host).refuse(incident.every)
        return this.#later(ends(incident.lasts), () => this.#machine(incident.host).refuse(0))
      case 'hush':
        return this.#hush(this.#machine(incident.host), ends(incident.lasts))
      case 'errand': {
        const machine = this.#machine(incident.host)
        runErrand(machine)
        return this.#later(ends(incident.lasts), () => undoErrand(machine))
      }
      case 'renumber':
        return this.#machine(incident.host).renumber()
      case 'gone':
        return this.#gone(this.#machine(incident.host))
    }
  }

  #beginStream(plan: StreamPlan): void {
    const [machine, peer] = [this.#machine(plan.from), this.#machine(plan.to)]
    const world = {
      told: this.#told,
      addressedBy: BEGIN_TAKES + STORM_ENDS + ADDRESSED_WITHIN,
      complain: (what: string): never => {
        throw new Wrong(what, [plan.from, plan.to])
      },
    }
    if (plan.opening !== 'cross') {
      machine.programs.push(new StreamClient(machine, peer, plan, this.#now, world))
      return
    }
    machine.programs.push(new CrossingEnd(machine, peer, plan, this.#now, world, 'client'))
    peer.programs.push(new CrossingEnd(peer, machine, plan, this.#now, world, 'server'))
  }

  /** The wire that an incident is of, or all. */
  #wiresOf({ wire }: { readonly wire?: number }): readonly Wire[] {
    return this.#wires.filter((_, index) => wire === undefined || index === wire)
  }

  #hush(machine: Machine, until: number): void {
    for (const program of machine.programs) if (program instanceof StreamListener) program.hush(until)
  }

  #gone(machine: Machine): void {
    machine.stack.leave()
    for (const other of this.#machines)
      if (other !== machine && other.runs) other.stack.hostGone(machine.address)
  }

  #restart(machine: Machine, until: number): void {
    machine.losePower(this.#now)
    machine.sleep(until, this.#now, true)
    this.#later(until, () => this.#serve(machine))
  }

  #calm(): void {
    for (const wire of this.#wires) wire.calm()
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
      if (client === undefined) throw new Wrong(`the client of stream ${id} came to no end`, [plan.from])
      if (plan.ending !== 'order' || isExcused(plan, this.#plan, this.#machines, client, server)) continue
      if (client !== 'complete' || server !== 'complete')
        throw new Wrong(
          `stream ${id} has no excuse: its client ended with '${client}', its server with '${server}'`,
          [plan.from, plan.to],
        )
    }
  }

  #expectBaseline(): void {
    for (const machine of this.#machines) {
      this.#expectSound(machine)
      for (const [pool, used] of usedBy(machine.stack)) {
        const before = machine.baseline.get(pool) ?? 0
        if (used > before)
          throw new Wrong(`host ${machine.index} holds ${used} bytes of ${pool}, and had ${before}`, [
            machine.index,
          ])
      }
    }
  }
}

const complain = (what: string): never => {
  throw new Wrong(what)
}
