/**
 * Where a run of the checks lives: a folder of its own, names that no other run on this machine has, and all that it has made
 * there, to be taken down again whatever happens.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the checks measured, by name: `downloadMBs`, … */
export type Figures = Map<string, number[]>

export class Place {
  readonly folder: string
  /** The compiled bridge/tap-relay.c. */
  readonly relay: string
  /** Megabytes that a bulk transfer moves, at most. */
  readonly megabytes: number
  /** How long a measurement lasts. */
  readonly seconds: number
  readonly figures: Figures = new Map()
  #undo: (() => void)[] = []

  constructor(megabytes: number, seconds: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'lanlet-interop-'))
    this.relay = join(this.folder, 'tap-relay')
    this.megabytes = megabytes
    this.seconds = seconds
  }

  /** A path in the folder. */
  path(name: string): string {
    return join(this.folder, name)
  }

  /** `how` takes down what was just made. The last is taken down first. */
  undo(how: () => void): void {
    this.#undo.push(how)
  }

  /** Takes down all that was made since the last time; what cannot be is told, and the rest taken down all the same. */
  clear(): void {
    for (const how of this.#undo.splice(0).reverse()) {
      try {
        how()
      } catch (error) {
        console.error(error instanceof Error ? error.message : error)
      }
    }
  }

  /** The same, and the folder. */
  leave(): void {
    this.clear()
    rmSync(this.folder, { recursive: true, force: true })
  }

  measured(name: string, value: number): void {
    this.figures.set(name, [...(this.figures.get(name) ?? []), value])
  }
}
