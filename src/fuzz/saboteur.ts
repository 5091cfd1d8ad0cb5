/** What the command needs of the saboteur, in one module; the watch first, since the stack calls it. */
import './watch.ts'

export { Alone } from './alone.ts'
export { inputs } from './inputs/inputs.ts'
export { marks } from './watch.ts'
