/** All ways in that are no frames, in the order in which a round takes them. */
import { bpf } from './bpf.ts'
import { calls } from './calls.ts'
import { config } from './config.ts'
import { type Target, target } from './input.ts'
import { batches, mqtt, stream } from './link.ts'
import { netlink } from './netlink.ts'
import { page } from './page.ts'
import { pcapng } from './pcapng.ts'
import { dhcp, dns } from './questions.ts'
import { room } from './room.ts'
import { said } from './said.ts'
import { typedInputs } from './typed.ts'

export const inputs: readonly Target[] = [
  target(pcapng),
  target(calls),
  target(netlink),
  target(bpf),
  target(config),
  target(dhcp),
  target(dns),
  target(said),
  target(room),
  target(page),
  target(batches),
  target(mqtt),
  target(stream),
  ...typedInputs.map(target),
]
