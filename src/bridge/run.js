/** `npm run bridge -- LINK`: builds the program `lanlet` and has it bridge. */
import { pathToFileURL } from 'node:url'
import { writeBridge } from './build.js'

const program = await writeBridge()
process.argv.splice(2, 0, 'bridge')
await import(pathToFileURL(program).href)
