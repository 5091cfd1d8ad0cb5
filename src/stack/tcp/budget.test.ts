/** What fits: the budgets that the README names, each with what a host must still do within it. */
import { describe, expect, test } from 'vitest'
import { connect, listen, makePair, type Pair } from '../../bench/pair.ts'
import { inspectConnections } from '../inspect/inspect.ts'
import { createStack as createMinimal } from '../profiles/minimal.ts'
import { Event, Protocol, type Socket } from '../stack.ts'
import { connectPair, type SimulatedHost, Simulation } from '../testing/simulation.ts'

const KIB = 1024

/** A host that listens on port 7. */
function server(sim: Simulation, memory: number): { host: SimulatedHost; listener: Socket } {
  const host = sim.add('server', { memory })
  const listener = host.stack.socket(Protocol.Tcp) as Socket
  host.stack.bind(listener, 0, 7)
  host.stack.listen(listener, 8)
  return { host, listener }
}

const request = (client: number): Uint8Array => Uint8Array.from({ length: 2000 }, (_, i) => client * 31 + i)

/** Reads all that waits. */
function readAll(host: SimulatedHost, socket: Socket): Uint8Array {
  const into = new Uint8Array(8000)
  let length = 0
  for (let n = 1; n > 0; length += Math.max(0, n)) n = host.stack.recv(socket, into.subarray(length))
  return into.slice(0, length)
}

/** Each client sends a request of 2,000 bytes and gets it back. All of them at once. */
function serve(
  sim: Simulation,
  { host, listener }: ReturnType<typeof server>,
  clients: readonly SimulatedHost[],
): void {
  const near = clients.map(client => {
    const socket = client.stack.socket(Protocol.Tcp) as Socket
    client.stack.connect(socket, host.stack.address, 7)
    return socket
  })
  sim.run(500)
  clients.forEach((client, i) => {
    expect(client.stack.send(near[i] as Socket, request(i))).toBe(2000)
  })
  sim.run(500)
  const far = clients.map(() => host.stack.accept(listener) as Socket)
  for (const socket of far) {
    const asked = readAll(host, socket)
    expect(asked.length).toBe(2000)
    expect(host.stack.send(socket, asked)).toBe(2000)
    sim.run(200)
  }
  clients.forEach((client, i) => {
    expect(readAll(client, near[i] as Socket)).toEqual(request(i))
    client.stack.close(near[i] as Socket)
  })
  sim.run(100)
  for (const socket of far) host.stack.close(socket)
  sim.run(100)
}

describe('64 KiB', () => {
  test('serve 20 clients in turn', () => {
    const sim = new Simulation()
    const served = server(sim, 64 * KIB)
    const client = sim.add('client')
    sim.start()
    for (let i = 0; i < 20; i++) serve(sim, served, [client])
    expect(inspectConnections(served.host.stack.arena).map(({ state }) => state)).toEqual(['LISTEN'])
  })

  test('serve 5 clients at once, and give the memory back', () => {
    const sim = new Simulation()
    const served = server(sim, 64 * KIB)
    const clients = Array.from({ length: 5 }, (_, i) => sim.add(`client ${i}`))
    sim.start()
    serve(sim, served, clients)
    sim.run(300_000)
    expect(inspectConnections(served.host.stack.arena).map(({ state }) => state)).toEqual(['LISTEN'])
    expect(served.host.stack.memory.failures).toBe(0)
  })
})

test('16 KiB: a minimal host shakes hands, and a megabyte passes each way', { timeout: 60_000 }, () => {
  const sim = new Simulation()
  const small = sim.add('small', { memory: 16 * KIB, profile: createMinimal })
  const large = sim.add('large', { memory: 1024 * KIB })
  sim.start()
  const { near, far } = connectPair(sim, small, large)
  const data = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) >> 7)
  const ways = [
    { from: large, out: far, to: small, into: near },
    { from: small, out: near, to: large, into: far },
  ]
  for (const { from, out, to, into } of ways) {
    const got: Uint8Array[] = []
    let [sent, received] = [0, 0]
    for (const until = sim.now + 600_000; received < data.length && sim.now < until; ) {
      sent += Math.max(0, from.stack.send(out, data.subarray(sent)))
      sim.run(5)
      const bytes = readAll(to, into)
      got.push(bytes)
      received += bytes.length
    }
    expect(Buffer.concat(got).equals(Buffer.from(data))).toBe(true)
  }
})

/** Lets what has just been opened become idle: what is timed or remembered for its last flight is over. */
function rest(pair: Pair): void {
  for (let i = 0; i < 20; i++) {
    pair.poll(200)
    pair.nearOut()
    pair.farOut()
  }
}

test('2 MiB: a full host holds 8,000 idle connections, and opens one more and talks on it', {
  timeout: 60_000,
}, () => {
  const pair = makePair(2048 * KIB)
  const listener = listen(pair)
  for (let i = 0; i < 8000; i++) {
    if (connect(pair, listener) === undefined) expect.fail(`connection ${i} was refused`)
    if (i % 200 === 199) rest(pair)
  }
  const more = connect(pair, listener)
  if (more === undefined) return expect.fail('one more was refused')
  let bits = 0
  pair.near.events((socket, what) => {
    if (socket === more.near) bits |= what
  })
  expect(bits & Event.Connected).toBe(Event.Connected)
  expect(pair.near.send(more.near, request(1))).toBe(2000)
  rest(pair)
  const got = new Uint8Array(2000)
  let length = 0
  for (let n = 1; n > 0; length += Math.max(0, n)) n = pair.far.recv(more.far, got.subarray(length))
  expect(got).toEqual(request(1))
  expect(pair.near.memory.failures + pair.far.memory.failures).toBe(0)
})
