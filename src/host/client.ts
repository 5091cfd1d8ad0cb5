/** The page's end of the bridge to the worker: commands out, replies and updates back. */
import { relayChannel } from '../link/relay.ts'
import { type PackedUpdate, unpackUpdate } from './packed-update.ts'
import type { Begin, Command, PeerId, Replies, Reply, Request, Update } from './protocol.ts'

export interface SegmentConnection {
  /** Rejects with an error whose message is one sentence: what is wrong and what would be right. */
  request<K extends Command['kind']>(
    command: Extract<Command, { kind: K }>,
    transfer?: Transferable[],
  ): Promise<Replies[K]>
  /**
   * Joins a peer's channel to the switch. Call it in the task that created the channel: then it moves into the
   * worker where the browser can do that; else this thread relays its batches.
   */
  addPeer(peer: PeerId, name: string, channel: RTCDataChannel): Promise<void>
  onUpdate(take: (update: Update) => void): void
  /** The worker could not be loaded or has died; `why` is one sentence. All requests reject with it. */
  onFailure(take: (why: string) => void): void
  /** Ends the worker and everything in it. */
  end(): void
}

type FromWorker = PackedUpdate | Reply | { readonly kind: 'ready' }

interface Waiting {
  resolve(value: Replies[Command['kind']]): void
  reject(why: Error): void
}

/** Starts a worker with an empty segment. `stacks`: the folder of the built stacks, a URL that ends with a slash. */
export function connectSegment(stacks: string): SegmentConnection {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    type: 'module',
    name: 'lanlet segment',
  })
  worker.postMessage({ stacks } satisfies Begin)
  const waiting = new Map<number, Waiting>()
  const updateTakers: ((update: Update) => void)[] = []
  const failureTakers: ((why: string) => void)[] = []
  let requests = 0
  let ready = false
  let failure: string | undefined

  const fail = (why: string) => {
    if (failure !== undefined) return
    failure = why
    for (const { reject } of waiting.values()) reject(new Error(why))
    waiting.clear()
    for (const take of failureTakers) take(why)
  }

  const answer = (reply: Reply) => {
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (reply.ok) asked?.resolve(reply.value)
    else asked?.reject(new Error(reply.message))
  }

  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === 'ready') ready = true
    else if (data.kind === 'reply') answer(data)
    else {
      const update = unpackUpdate(data)
      for (const take of updateTakers) take(update)
    }
  }
  worker.onerror = event => {
    event.preventDefault()
    // A worker that runs on after an error in one task is not lost; one that never began is.
    if (ready) console.error('The segment’s worker reports:', event.message)
    else fail('The worker that runs the hosts could not be loaded; reload the page.')
  }
  worker.onmessageerror = () => fail('A message of the worker could not be read; reload the page.')

  const request: SegmentConnection['request'] = (command, transfer = []) =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(new Error(failure))
      const id = ++requests
      // Throws at once, before anything waits, when something cannot be cloned or transferred.
      worker.postMessage({ id, command } satisfies Request, transfer)
      waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
    })

  const addPeer = async (peer: PeerId, name: string, channel: RTCDataChannel): Promise<void> => {
    if (failure !== undefined) throw new Error(failure)
    if (isTransferable(channel, worker, ++requests, { kind: 'add-peer', peer, name, channel })) {
      await new Promise((resolve, reject) => waiting.set(requests, { resolve, reject }))
      return
    }
    const { port1, port2 } = new MessageChannel()
    relayChannel(channel, port1)
    await request({ kind: 'add-peer-relay', peer, name, relay: port2 }, [port2])
  }

  return {
    request,
    addPeer,
    onUpdate: take => updateTakers.push(take),
    onFailure: take => (failure === undefined ? failureTakers.push(take) : take(failure)),
    end: () => {
      worker.terminate()
      fail('The segment was ended.')
    },
  }
}

/** Tries to send the command with its channel; false where this browser, or this moment, does not allow it. */
function isTransferable(channel: RTCDataChannel, worker: Worker, id: number, command: Command): boolean {
  try {
    worker.postMessage({ id, command } satisfies Request, [channel as unknown as Transferable])
    return true
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) return false
    throw error
  }
}
