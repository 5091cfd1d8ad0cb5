/** What the command needs of the simulation, in one module. */
export { planOf } from './draw.ts'
export { Recorder } from './recorder.ts'
export { shrink } from './shrink.ts'
export { storyOf } from './story.ts'
export { run } from './world.ts'
