/**
 * A browser by its own protocol. Playwright keeps every page in front; here a page can be behind another, as a hidden tab
 * is, with all that the browser then takes from it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from '@playwright/test'
import { WebSocket } from 'ws'
import { launchOptions } from '../src/serve/browser.js'

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

export interface Tab {
  /** The value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T>
}

export class OwnBrowser {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #asked = 0

  private constructor(process: ChildProcess, folder: string, socket: WebSocket) {
    this.#process = process
    this.#folder = folder
    this.#socket = socket
    socket.on('message', data => {
      const answer = JSON.parse(String(data)) as Answer
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer)
    })
  }

  static async launch(): Promise<OwnBrowser> {
    const { executablePath = chromium.executablePath(), args } = launchOptions()
    const folder = await mkdtemp(join(tmpdir(), 'lanlet-'))
    const flags = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank']
    const process = spawn(executablePath, [...args, ...flags], { stdio: 'ignore' })
    const [port, path] = await portOf(folder)
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return new OwnBrowser(process, folder, socket)
  }

  /** Opens a tab in front of all others. */
  async open(url: string): Promise<Tab> {
    const { targetId } = await this.#ask<{ targetId: string }>('Target.createTarget', { url })
    const { sessionId } = await this.#ask<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    })
    return {
      evaluate: async <T>(expression: string): Promise<T> => {
        const asked = { expression, awaitPromise: true, returnByValue: true }
        const { result } = await this.#ask<{ result: { value: T } }>('Runtime.evaluate', asked, sessionId)
        return result.value
      },
    }
  }

  async close(): Promise<void> {
    const ended = new Promise(resolve => this.#process.once('exit', resolve))
    this.#socket.close()
    this.#process.kill()
    await ended
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 })
  }

  async #ask<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#asked
    const answer = await new Promise<Answer>(resolve => {
      this.#waiting.set(id, resolve)
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    })
    this.#waiting.delete(id)
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result as T
  }
}

/** The browser writes the port and the path that it chose into its folder. */
async function portOf(folder: string): Promise<readonly [string, string]> {
  for (let tries = 0; tries < 200; tries++) {
    const text = await readFile(join(folder, 'DevToolsActivePort'), 'utf8').catch(() => '')
    const [port, path] = text.split('\n')
    if (port !== undefined && path !== undefined) return [port, path]
    await sleep(100)
  }
  throw new Error('The browser did not begin.')
}
