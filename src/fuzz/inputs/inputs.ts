/** All ways in that are no frames, in the order in which a round takes them. */
import { bpf } from './bpf.ts'
import { calls } from './calls.ts'
import { type Target, target } from './input.ts'
import { netlink } from './netlink.ts'
import { pcapng } from './pcapng.ts'
import { typedInputs } from './typed.ts'

export const inputs: readonly Target[] = [
  target(pcapng),
  target(calls),
  target(netlink),
  target(bpf),
  ...typedInputs.map(target),
]
