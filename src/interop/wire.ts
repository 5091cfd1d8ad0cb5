/** A wire from a host of ours to whoever connects to a unix path and speaks frames there (bridge/frame-stream.ts). */
import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { FrameStream } from '../bridge/frame-stream.ts'
import { DEVICE, type Namespace } from './namespace.ts'
import type { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'

/**
 * Starts a program that connects to the path which it is given, and joins it to the host; `place` ends both. Rejects with what the
 * program said when it ends before.
 */
export async function joinProgram(
  place: Place,
  host: NodeHost,
  start: (path: string) => ChildProcess,
): Promise<ChildProcess> {
  const path = place.path(`wire-${++made}`)
  const server = createServer()
  await new Promise<void>(resolve => server.listen(path, resolve))
  const program = start(path)
  place.undo(() => {
    program.kill('SIGKILL')
    server.close()
    rmSync(path, { force: true })
  })
  const stream = new FrameStream(
    await joined(server, program),
    frame => {
      host.take(frame)
      return true
    },
    wrong => wrong !== undefined && console.error(wrong),
  )
  place.undo(() => stream.end())
  host.connect((frame, onRoom) => stream.send(frame, onRoom))
  return program
}

let made = 0

const joined = (server: Server, program: ChildProcess): Promise<Socket> =>
  new Promise((resolve, reject) => {
    let said = ''
    program.stderr?.on('data', chunk => {
      said = (said + String(chunk)).slice(-2_000)
    })
    server.once('connection', resolve)
    program.once('error', reject)
    program.once('exit', () => reject(new Error(said.trim() || 'The program on the wire ended.')))
  })

/** Joins the host to a name space by a TAP device with these addresses ('10.77.0.1/24'), which is up then. */
export async function joinTap(
  place: Place,
  host: NodeHost,
  linux: Namespace,
  addresses: readonly string[],
): Promise<void> {
  await joinProgram(place, host, path => linux.start(place.relay, [DEVICE, path]))
  for (const address of addresses) linux.ip('addr', 'add', address, 'dev', DEVICE)
  // What waits for the relay is not lost.
  linux.ip('link', 'set', DEVICE, 'up', 'txqueuelen', '10000')
}
