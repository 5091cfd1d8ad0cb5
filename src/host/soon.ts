/**
 * Running something in a task of its own, behind those that wait already. A message to oneself does it in browsers
 * and, unlike a timeout, is never held back. Node lets one message port run a thousand times before anybody else
 * (its MessagePort::OnMessage), but it has `setImmediate`.
 */
export interface Soon {
  /** Once per call, not before this task has ended. */
  schedule(): void
  end(): void
}

export function soon(run: () => void): Soon {
  if (typeof setImmediate === 'function') return { schedule: () => setImmediate(run), end: () => undefined }
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = run
  return { schedule: () => port2.postMessage(0), end: () => port1.close() }
}
