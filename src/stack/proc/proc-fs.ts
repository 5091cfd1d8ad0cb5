/** PROC_FS: what a host tells of itself by name, and lets be set: counters (mib.ts) and settings (sysctl.ts). */
import type { Core } from '../core.ts'
import { counterNames } from '../mib.ts'
import { layOutSysctls, readSysctl, setSysctl, sysctlNamed } from './sysctl.ts'

export interface ProcFs {
  /** The names of all counters, in the order of their indexes. */
  readonly names: () => readonly string[]
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
  names: counterNames,
  layOut: layOutSysctls,
  setting: readSysctl,
  get: sysctlNamed,
  set: setSysctl,
}
