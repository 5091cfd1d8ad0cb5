import type { PortFacts } from '../stack.ts'

/** A record to pass to Stack.ethtool. */
export const blankPort = (): PortFacts => ({
  driver: '',
  up: false,
  mtu: 0,
  rxFrames: 0,
  rxBytes: 0,
  rxErrors: 0,
  txFrames: 0,
  txBytes: 0,
  rxRing: 0,
  txRing: 0,
  txWaiting: 0,
})
