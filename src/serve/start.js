/**
 * `npm start`: installs what is missing, builds the page when it is older than its sources, and serves it together
 * with the signalling broker from one process and one port.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addresses } from './addresses.js'
import { build, measureSwitches } from './build.js'
import { install } from './install.js'
import { nodeTooOld } from './node-version.js'
import { portRefused, portTaken, readPort } from './port.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** @param {string | undefined} why one sentence, or nothing */
function giveUpIf(why) {
  if (why === undefined) return
  console.error(why)
  process.exit(1)
}

giveUpIf(nodeTooOld(process.versions.node))
const asked = readPort(process.env['PORT'])
if (!asked.ok) giveUpIf(asked.why)
else {
  giveUpIf(await portTaken(asked.port))
  giveUpIf(await install(root))
  giveUpIf(await build(root))
  await serve(asked.port)
}

/** @param {number} port */
async function serve(port) {
  const { preview } = await import('vite')
  const server = await preview({
    root,
    logLevel: 'warn',
    preview: { port, strictPort: true, host: true, open: false },
  }).catch(error => portRefused(port, error))
  if (typeof server === 'string') return giveUpIf(server)

  console.log('lanlet is served at')
  for (const address of addresses(port)) console.log(`  ${address}`)
  console.log('Ctrl-C ends it.')
  measureSwitches(root).catch(error => console.error('What each switch costs could not be measured:', error))

  const end = async () => {
    await server.close()
    process.exit(0)
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}
