/** PROC_FS: what a host tells of itself by name, and lets be set: counters (mib.ts) and settings (sysctl.ts). */
import type { Core } from '../core.ts'
import { COUNTERS_AT } from '../memory/layout.ts'
import { countersAt } from '../mib.ts'
import { layOutSysctls, readSysctl, setSysctl, sysctlNamed } from './sysctl.ts'

/** The feature PROC_FS as core code knows it. */
export interface ProcFs {
  /** All counters by their names. */
  counters(s: Core): Record<string, number>
  /** A new arena's settings get their initial values. */
  layOut(s: Core): void
  /** The setting of this index. */
  setting(s: Core, index: number): number
  get(s: Core, name: string): number | undefined
  /** Throws RangeError, see Stack.setSysctl. */
  set(s: Core, name: string, value: number): 0
}

/** The feature PROC_FS. */
export const procFs: ProcFs = {
  counters: ({ m }) => countersAt(m, m.get32(COUNTERS_AT)),
  layOut: layOutSysctls,
  setting: readSysctl,
  get: sysctlNamed,
  set: setSysctl,
}
