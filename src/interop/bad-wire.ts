/** Wires that lose or mark frames; the capture says of each frame whether it passed on one. */
import type { Fault, NodeHost } from './node-host.ts'

/** Every hundredth frame is lost, and every fiftieth held back until two others have passed, in both directions. */
export function onABadWire<T>(host: NodeHost, work: () => Promise<T>): Promise<T> {
  let x = 12345
  const fault = () => {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff
    const fate = (x >>> 8) % 100
    return fate === 0 ? 'lose' : fate < 3 ? 2 : 0
  }
  return withFault(host, fault, work)
}

/** Every fiftieth frame has met a queue that grows: a router marks it, if it may, in the place of losing it. */
export function onACongestedWire<T>(host: NodeHost, work: () => Promise<T>): Promise<T> {
  let frames = 0
  return withFault(host, () => (++frames % 50 === 0 ? 'mark' : 0), work)
}

/** Our wire carries all, but a router before it does not. */
export const behindALoss = <T>(host: NodeHost, work: () => Promise<T>): Promise<T> =>
  withFault(host, () => 0, work)

async function withFault<T>(host: NodeHost, fault: Fault, work: () => Promise<T>): Promise<T> {
  host.fault = fault
  try {
    return await work()
  } finally {
    host.fault = undefined
  }
}
