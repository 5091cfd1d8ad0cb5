/** The relay between a TAP device and a unix stream, tap-relay.c: Node cannot ask the kernel for such a device itself. */
import { execFileSync } from 'node:child_process'
import source from './tap-relay.c?raw'

/** Compiles it to this path. Throws what the compiler says, or that there is none. */
export function compileRelay(path: string): void {
  execFileSync('cc', ['-O2', '-o', path, '-x', 'c', '-'], { input: source, stdio: 'pipe' })
}
