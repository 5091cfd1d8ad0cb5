/**
 * A TAP device of this Linux machine: its frames, its state, its end. A process of its own holds it (tap-relay.c) and goes
 * when its stream ends; with it goes the device, however we end.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseMac } from '../link/mac.ts'
import { FrameStream } from './frame-stream.ts'
import type { Machine } from './machines.ts'
import { compileRelay } from './relay.ts'

export interface TapEvents {
  /** A frame comes from the kernel, valid during the call; false: it comes again after `resume`. */
  onFrame(frame: Uint8Array): boolean
  /** The device is gone, though nobody closed it. `why`: one sentence. */
  onGone(why: string): void
}

export class Tap {
  readonly device: string
  readonly #stream: FrameStream
  readonly #relay: ChildProcess
  #closed = false

  private constructor(device: string, relay: ChildProcess, socket: Socket, events: TapEvents) {
    this.device = device
    this.#relay = relay
    const gone = (why = `The device ${device} is gone.`) => this.#closed || events.onGone(why)
    this.#stream = new FrameStream(socket, frame => events.onFrame(frame), gone)
  }

  /** Makes the device, up and with this address if one is given. Rejects with one sentence where that cannot be. */
  static async open(device: string, address: string | undefined, events: TapEvents): Promise<Tap> {
    const lacks = missing()
    if (lacks !== undefined) throw new Error(lacks)
    const folder = mkdtempSync(join(tmpdir(), 'lanlet-bridge-'))
    try {
      const program = join(folder, 'tap-relay')
      compile(program)
      const { relay, socket } = await start(program, device, join(folder, 'wire'))
      const tap = new Tap(device, relay, socket, events)
      try {
        if (address !== undefined) ip('address', 'add', address, 'dev', device)
        ip('link', 'set', device, 'up')
      } catch (error) {
        await tap.close()
        throw error
      }
      return tap
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  /** False: there is no room, and the frame is not taken. */
  send(frame: Uint8Array): boolean {
    return this.#stream.send(frame, () => undefined)
  }

  resume(): void {
    this.#stream.resume()
  }

  /** The station that the device is; undefined while it is a port of a bridge of the kernel's, which has none of its own. */
  async own(): Promise<Machine | undefined> {
    const { stdout } = await promisify(execFile)('ip', ['-json', 'address', 'show', 'dev', this.device])
    return readStation(stdout)
  }

  /** Takes the device down; resolves when it is gone. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stream.end()
    if (this.#relay.exitCode === null && this.#relay.signalCode === null) await once(this.#relay, 'exit')
  }
}

/** What `ip -json address show` says of a device. */
export function readStation(json: string): Machine | undefined {
  const [link] = JSON.parse(json) as {
    address: string
    master?: string
    addr_info?: { family: string; local: string }[]
  }[]
  const mac = link === undefined || link.master !== undefined ? undefined : parseMac(link.address)
  return mac && { mac, address: link?.addr_info?.find(({ family }) => family === 'inet')?.local }
}

/** Why there can be no device here, in one sentence. */
function missing(): string | undefined {
  if (process.platform !== 'linux') return 'A TAP device takes Linux: this is another system.'
  if (process.getuid?.() !== 0) return 'A TAP device takes root: run this with sudo in front of it.'
  try {
    accessSync('/dev/net/tun')
    return undefined
  } catch {
    return 'This kernel shows no /dev/net/tun: modprobe tun may bring it.'
  }
}

function compile(program: string): void {
  try {
    compileRelay(program)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(
      code === 'ENOENT'
        ? 'There is no C compiler for the relay to the device: install one, on Debian with apt-get install gcc libc6-dev.'
        : `The relay to the device could not be compiled: ${oneLine(message)}`,
    )
  }
}

function ip(...args: readonly string[]): void {
  try {
    execFileSync('ip', args, { stdio: 'pipe' })
  } catch (error) {
    const { code, message, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer }
    throw new Error(
      code === 'ENOENT'
        ? 'There is no program ip: install iproute2.'
        : `ip ${args.join(' ')} failed: ${oneLine(String(stderr ?? message))}`,
    )
  }
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ')

/** The relay, and its end of the stream. */
async function start(
  program: string,
  device: string,
  path: string,
): Promise<{ relay: ChildProcess; socket: Socket }> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(path, resolve))
  // In a group of its own: Ctrl-C is ours, and the device stays until we have said goodbye.
  const relay = spawn(program, [device, path], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    const socket = await new Promise<Socket>((resolve, reject) => {
      let said = ''
      relay.stderr.on('data', chunk => {
        said += String(chunk)
      })
      relay.once('error', reject)
      relay.once('close', () => reject(new Error(refusal(device, said))))
      server.once('connection', resolve)
    })
    return { relay, socket }
  } finally {
    server.close()
  }
}

function refusal(device: string, said: string): string {
  const why = oneLine(said).replace(/^tap-relay: /, '')
  if (/busy/i.test(why)) return `There is a device ${device} in use already: choose another name with --tap.`
  return `The device ${device} could not be made: ${why || 'the relay ended'}.`
}
