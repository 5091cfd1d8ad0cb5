/** What the lab needs of the worker that runs the segment; src/host/client.ts gives it, and tests give their own. */
import type { SegmentConnection } from '../host/client.ts'

export type SegmentLink = Pick<
  SegmentConnection,
  'request' | 'addPeer' | 'onUpdate' | 'onRestart' | 'onFailure'
>
