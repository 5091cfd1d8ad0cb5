/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { pingSockets } from '../icmp/ping.ts'
import { procFs } from '../mib.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { reno } from '../tcp/reno.ts'

export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, { congestion: reno, ping: pingSockets, procFs })
