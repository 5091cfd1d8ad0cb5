/**
 * A network name space with a TAP device in it, and the relay that joins it to a stream of frames: Linux on the other end
 * of our wire, apart from the machine's own network.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { FrameStream } from './frame-stream.ts'
import type { NodeHost } from './node-host.ts'

const run = promisify(execFile)

export interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** The TAP device in every name space. */
export const DEVICE = 'tap0'

export class Namespace {
  readonly name: string
  readonly #server: Server
  readonly #relay: ChildProcess
  readonly #path: string
  #stream: FrameStream | undefined

  private constructor(name: string, server: Server, relay: ChildProcess, path: string) {
    this.name = name
    this.#server = server
    this.#relay = relay
    this.#path = path
  }

  /**
   * Makes it, with the device up and the address ('10.77.0.1/24') on it, and our host on the other end of the wire. Rejects
   * with a sentence where name spaces or TAP devices cannot be made.
   */
  static async make(
    name: string,
    relay: string,
    folder: string,
    host: NodeHost,
    address: string,
  ): Promise<Namespace> {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    const path = join(folder, `${name}.sock`)
    const server = createServer()
    await new Promise<void>(resolve => server.listen(path, resolve))
    const child = spawn('ip', ['netns', 'exec', name, relay, DEVICE, path], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const made = new Namespace(name, server, child, path)
    try {
      const socket = await joined(server, child)
      const stream = new FrameStream(
        socket,
        frame => host.take(frame),
        wrong => wrong !== undefined && console.error(wrong),
      )
      made.#stream = stream
      for (const line of [
        ['addr', 'add', address, 'dev', DEVICE],
        ['link', 'set', DEVICE, 'up'],
        ['link', 'set', 'lo', 'up'],
      ])
        execFileSync('ip', ['-n', name, ...line], { stdio: 'pipe' })
      host.connect((frame, onRoom) => stream.send(frame, onRoom))
      return made
    } catch (error) {
      made.remove()
      throw error
    }
  }

  /** Runs a command in it, to its end or for so many seconds. */
  async run(command: string, args: readonly string[], seconds = 60): Promise<Outcome> {
    const options = { timeout: seconds * 1000, maxBuffer: 64 * 1024 * 1024 }
    try {
      const { stdout, stderr } = await run('ip', ['netns', 'exec', this.name, command, ...args], options)
      return { status: 0, out: stdout, err: stderr }
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string }
      return { status: typeof code === 'number' ? code : 1, out: stdout, err: stderr }
    }
  }

  /** Starts a command in it that goes on until it is killed. */
  start(command: string, args: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, command, ...args])
  }

  /** Takes it down, with all that runs in it. */
  remove(): void {
    this.#stream?.end()
    this.#relay.kill()
    this.#server.close()
    rmSync(this.#path, { force: true })
    const left = execFileSync('ip', ['netns', 'pids', this.name], { encoding: 'utf8' })
    for (const pid of left.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid))
      } catch {
        // It ended by itself.
      }
    }
    execFileSync('ip', ['netns', 'del', this.name])
  }
}

/** The relay's connection; rejects with what it said when it ends before. */
const joined = (server: Server, relay: ChildProcess): Promise<Socket> =>
  new Promise((resolve, reject) => {
    let said = ''
    relay.stderr?.on('data', chunk => {
      said += String(chunk)
    })
    server.once('connection', resolve)
    relay.once('exit', () => reject(new Error(said.trim() || 'The relay ended.')))
  })
