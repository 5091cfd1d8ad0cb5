/** The worker: carries messages between the page and its segment, loads the stacks that it runs, and nothing else. */
import type { CreateStack } from './host.ts'
import type { PackedUpdate } from './packed-update.ts'
import type { Beat, Begin, ProfileName, Reply, Request } from './protocol.ts'
import { Segment } from './segment.ts'

type ToPage = PackedUpdate | Reply | Beat | { readonly kind: 'ready' }

/** The worker's global scope, as far as it is used; the DOM library's types describe a window. */
interface WorkerScope {
  postMessage(message: ToPage, transfer: Transferable[]): void
  onmessage: ((event: MessageEvent<Begin | Beat | Request>) => void) | null
}
const scope = globalThis as unknown as WorkerScope

/** Of which sources the stacks were built (src/size/library-plugin.ts): another version has another address. */
declare const __STACK_VERSION__: string

/** The very file that the package holds and that the size report measures. */
async function load(stacks: string, profile: ProfileName): Promise<CreateStack> {
  const url = `${stacks}${profile}.js?${__STACK_VERSION__}`
  try {
    return ((await import(/* @vite-ignore */ url)) as { createStack: CreateStack }).createStack
  } catch (error) {
    throw new Error(`The ${profile} stack could not be loaded from ${url}: ${sentence(error)}`)
  }
}

function begin({ stacks, after }: Begin): Segment {
  const timeOrigin = after?.timeOrigin ?? performance.timeOrigin
  const since = performance.timeOrigin - timeOrigin
  return new Segment({
    now: () => since + performance.now(),
    timeOrigin,
    after,
    post: update => scope.postMessage(update, [update.entries]),
    load: profile => load(stacks, profile),
  })
}

function obey(segment: Segment, { id, command }: Request): void {
  segment.command(command).then(
    value => {
      const pcapng = 'pcapng' in value ? [value.pcapng as ArrayBuffer] : []
      scope.postMessage({ kind: 'reply', id, ok: true, value }, pcapng)
    },
    error => scope.postMessage({ kind: 'reply', id, ok: false, message: sentence(error) }, []),
  )
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))

let segment: Segment | undefined
scope.onmessage = ({ data }) => {
  if ('stacks' in data) segment = begin(data)
  else if ('command' in data && segment !== undefined) obey(segment, data)
  else scope.postMessage({ kind: 'beat' }, [])
}
scope.postMessage({ kind: 'ready' }, [])
