/** A network name space: a Linux of its own on the other end of our wire, apart from the machine's network. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Place } from './place.ts'

const execute = promisify(execFile)

export interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Where commands can be run, to their end or for so many seconds. */
export interface Linux {
  run(command: string, args: readonly string[], seconds?: number): Promise<Outcome>
}

/** The TAP device in every name space that has one. */
export const DEVICE = 'tap0'
/** What `ip netns` calls ours: behind it the id of the process that made them. */
const PREFIX = 'lanlet-'

export class Namespace implements Linux {
  readonly name: string

  private constructor(name: string) {
    this.name = name
  }

  /** Makes it; `place` takes it down, with all that runs in it. Throws where name spaces cannot be made. */
  static make(place: Place, kind: string): Namespace {
    const made = new Namespace(`${PREFIX}${process.pid}-${kind}`)
    ip('netns', 'add', made.name)
    place.undo(() => remove(made.name))
    made.ip('link', 'set', 'lo', 'up')
    // Nobody else is on the cables here: no address has to be tested first.
    made.set('net.ipv6.conf.default.accept_dad', 0)
    return made
  }

  /** `ip` in it; throws with what it says when it fails. */
  ip(...args: readonly string[]): void {
    ip('-n', this.name, ...args)
  }

  /** A setting of its kernel. */
  set(name: string, value: number): void {
    ip('netns', 'exec', this.name, 'sysctl', '-q', '-w', `${name}=${value}`)
  }

  run(command: string, args: readonly string[], seconds = 60): Promise<Outcome> {
    return run('ip', ['netns', 'exec', this.name, command, ...args], seconds)
  }

  /** Starts a command in it that goes on until it is killed. */
  start(command: string, args: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, command, ...args])
  }
}

/** The machine itself, outside of all of them. */
export const MACHINE: Linux = {
  run: (command, args, seconds = 60) => run(command, args, seconds),
}

async function run(command: string, args: readonly string[], seconds: number): Promise<Outcome> {
  const options = { timeout: seconds * 1000, maxBuffer: 64 * 1024 * 1024 }
  try {
    const { stdout, stderr } = await execute(command, args, options)
    return { status: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string }
    return { status: typeof code === 'number' ? code : 1, out: stdout, err: stderr }
  }
}

/** A cable between two name spaces, a device of the same name at each end. */
export function cable(a: Namespace, b: Namespace, device: string): void {
  a.ip('link', 'add', device, 'type', 'veth', 'peer', 'name', device, 'netns', b.name)
  for (const end of [a, b]) end.ip('link', 'set', device, 'up')
}

const ip = (...args: readonly string[]): void => {
  execFileSync('ip', args, { stdio: 'pipe' })
}

function remove(name: string): void {
  const running = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' })
  for (const pid of running.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  ip('netns', 'del', name)
}

/** Takes down what runs left behind that were killed outright. */
export function sweep(): void {
  for (const name of names()) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1])
    if (pid > 0 && !isRunning(pid)) remove(name)
  }
}

function names(): readonly string[] {
  try {
    return readdirSync('/run/netns')
  } catch {
    return []
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
