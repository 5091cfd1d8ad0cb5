/** The worker: carries messages between the page and its segment, and nothing else. */
import type { PackedUpdate } from './packed-update.ts'
import type { Reply, Request } from './protocol.ts'
import { Segment } from './segment.ts'

/** The worker's global scope, as far as it is used; the DOM library's types describe a window. */
interface WorkerScope {
  postMessage(message: PackedUpdate | Reply | { readonly kind: 'ready' }, transfer: Transferable[]): void
  onmessage: ((event: MessageEvent<Request>) => void) | null
}
const scope = globalThis as unknown as WorkerScope

const segment = new Segment({
  now: () => performance.now(),
  timeOrigin: performance.timeOrigin,
  post: update => scope.postMessage(update, [update.entries]),
})

scope.onmessage = ({ data: { id, command } }) => {
  segment.command(command).then(
    value => {
      const pcapng = 'pcapng' in value ? [value.pcapng as ArrayBuffer] : []
      scope.postMessage({ kind: 'reply', id, ok: true, value }, pcapng)
    },
    error => scope.postMessage({ kind: 'reply', id, ok: false, message: sentence(error) }, []),
  )
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))
scope.postMessage({ kind: 'ready' }, [])
