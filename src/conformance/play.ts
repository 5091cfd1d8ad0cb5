/** A script's text is read and played; what went wrong is told with its file and line. */
import { runScript } from './run.ts'
import { parseScript } from './script.ts'

/** Throws an Error whose message begins with the file's name. */
export function playScript(file: string, text: string): void {
  try {
    runScript(parseScript(text))
  } catch (error) {
    throw new Error(`${file}, ${error instanceof Error ? error.message : String(error)}`)
  }
}
