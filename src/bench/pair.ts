/** Two hosts in one process, each other's only link: what one emits the other takes at once. Nothing waits for a clock. */
import { createStack } from '../stack/profiles/full.ts'
import { Protocol, type Socket, type Stack } from '../stack/stack.ts'

export interface Pair {
  readonly near: Stack
  readonly far: Stack
  /** Milliseconds on both hosts' clock; whoever drives the pair moves it. */
  now: number
  /** Frames that have crossed, both ways. */
  frames: number
  nearOut(): void
  farOut(): void
  /** Moves the clock on and runs what is due. */
  poll(ms: number): void
}

const PORT = 7

function host(last: number, memory: number, largestFrame: number): Stack {
  let x = last * 2654435761
  const random32 = () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
  const secret = Uint8Array.from({ length: 16 }, (_, i) => (last * 31 + i * 7) & 255)
  const mac = new Uint8Array([2, 0, 0, 0, 0, last])
  return createStack({ memory, mac, address: `10.0.0.${last}/24`, largestFrame }, { random32, secret })
}

/** Both hosts, past the acquisition of their addresses; on a link that carries frames of up to `largestFrame` bytes. */
export function makePair(memory: number, largestFrame = 1514): Pair {
  const near = host(1, memory, largestFrame)
  const far = host(2, memory, largestFrame)
  const toFar = (frame: Uint8Array) => {
    pair.frames++
    far.input(frame, pair.now)
    return true
  }
  const toNear = (frame: Uint8Array) => {
    pair.frames++
    near.input(frame, pair.now)
    return true
  }
  const pair: Pair = {
    near,
    far,
    now: 0,
    frames: 0,
    nearOut: () => near.output(toFar),
    farOut: () => far.output(toNear),
    poll: ms => {
      pair.now += ms
      near.poll(pair.now)
      far.poll(pair.now)
    },
  }
  while (near.address === 0 || far.address === 0) {
    pair.poll(1)
    pair.nearOut()
    pair.farOut()
  }
  return pair
}

/** A socket of the far host that listens. */
export function listen(pair: Pair): Socket {
  const listener = sure(pair.far.socket(Protocol.Tcp))
  sure(pair.far.bind(listener, 0, PORT))
  sure(pair.far.listen(listener, 1000))
  return listener
}

/** A connection, both its ends; undefined when memory is full. */
export function connect(pair: Pair, listener: Socket): { near: Socket; far: Socket } | undefined {
  const near = pair.near.socket(Protocol.Tcp)
  if (near < 0) return undefined
  sure(pair.near.connect(near as Socket, pair.far.address, PORT))
  for (let i = 0; i < 6; i++) {
    pair.nearOut()
    pair.farOut()
  }
  const far = pair.far.accept(listener)
  return far < 0 ? undefined : { near: near as Socket, far: far as Socket }
}

/** A result that must not be an error. */
export function sure(result: number): Socket {
  if (result < 0) throw new Error(`A call of the stack gave ${result}.`)
  return result as Socket
}
