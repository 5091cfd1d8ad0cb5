/** The program `lanlet`: reads what it is asked, does it, and says in one sentence why it could not. */
import { hostname } from 'node:os'
import { nodeTooOld } from '../serve/node-version.js'
import { parseArguments, USAGE } from './arguments.ts'
import { bridge } from './bridge.ts'

const parsed = parseArguments(process.argv.slice(2), hostname())
const old = nodeTooOld(process.versions.node)
// Pipes to others may break when they end first.
process.stdout.on('error', () => undefined)

async function run(): Promise<number> {
  if (old !== undefined) return complain(old, 1)
  if (parsed.kind === 'wrong') return complain(parsed.why, 2)
  if (parsed.kind === 'help') {
    console.log(USAGE)
    return 0
  }
  const interrupted = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  try {
    await bridge(parsed.wish, { print: line => console.log(line), interrupted })
    return 0
  } catch (error) {
    return complain((error as Error).message, 1)
  }
}

function complain(why: string, status: number): number {
  console.error(why)
  return status
}

// What WebRTC still has open does not matter any more.
process.exit(await run())
