/** What the command needs of the simulation, in one module. */
export { planOf } from './plan.ts'
export { shrink } from './shrink.ts'
export { run } from './world.ts'
