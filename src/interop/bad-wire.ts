/** A wire that loses every hundredth frame, and holds back every fiftieth until two others have passed. */
import type { NodeHost } from './node-host.ts'

/** Does something while the host's wire is bad, in both directions. */
export async function onABadWire<T>(host: NodeHost, work: () => Promise<T>): Promise<T> {
  let x = 12345
  host.fault = () => {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff
    const fate = (x >>> 8) % 100
    return fate === 0 ? 'lose' : fate < 3 ? 2 : 0
  }
  try {
    return await work()
  } finally {
    host.fault = undefined
  }
}
