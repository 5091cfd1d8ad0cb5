/** Built stacks, loaded from files of their own as anybody would, for tests. */
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Environment, Stack, StackConfig } from '../stack/stack.ts'
import type { Bundle } from './bundle.js'

export type Create = (config: StackConfig, environment: Environment) => Stack
export interface Built extends Bundle {
  readonly createStack: Create
}

/** A folder for built files. */
export class Shelf {
  #folder: Promise<string> | undefined
  #files = 0

  async load(bundle: Bundle): Promise<Built> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'lanlet-size-'))
    const file = join(await this.#folder, `${this.#files++}.mjs`)
    await writeFile(file, bundle.code)
    const { createStack } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      createStack: Create
    }
    return { ...bundle, createStack }
  }

  async clear(): Promise<void> {
    if (this.#folder !== undefined) rmSync(await this.#folder, { recursive: true, force: true })
  }
}
