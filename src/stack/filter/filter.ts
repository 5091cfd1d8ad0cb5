/**
 * LPF_FILTER: a program on a socket that says which packets it wants, and how much of each, before memory is spent on
 * them. What the program sees begins with the header that the socket's protocol has: UDP's, IPv4's for a raw socket,
 * Ethernet's for a packet socket. The program lies in pages of its own, as long as the socket has it.
 */
import { type Core, KIND_PACKET, KIND_RAW, KIND_UDP } from '../core.ts'
import { EBADF, EINVAL, ENOBUFS, ENOPROTOOPT, type Errno } from '../errno.ts'
import { type Address, type Arena, freePages, PAGE_NEXT, type Page, takePage } from '../memory/arena.ts'
import { POOL_FILTERS } from '../memory/layout.ts'
import { FILTER } from '../socket/datagrams.ts'
import { kindOf } from '../socket/socket.ts'
import type { FilterInstruction } from '../stack.ts'
import { INSTRUCTION, INSTRUCTIONS_A_PAGE, PROGRAM_AT, runFilter } from './run.ts'
import { isSound } from './verify.ts'

/** The feature LPF_FILTER as core code knows it. */
export interface SocketFilters {
  /** Puts a program in the place of the socket's last one; none when it has no instructions. */
  attach(s: Core, socket: Address, program: readonly FilterInstruction[]): 0 | Errno
  /**
   * How many bytes of a packet the socket wants, at most all of them: `length` bytes at `at`, then `behind` bytes in a
   * chain of pages. 0: it does not want the packet.
   */
  wanted(s: Core, socket: Address, at: Address, length: number, chain: Page, behind: number): number
  /** The socket is closed. */
  detach(s: Core, socket: Address): void
}

/** The feature LPF_FILTER. */
export const socketFilters: SocketFilters = {
  attach(s, socket, program) {
    const { m } = s
    if (socket === 0) return EBADF
    const kind = kindOf(m, socket)
    if (kind !== KIND_UDP && kind !== KIND_RAW && kind !== KIND_PACKET) return ENOPROTOOPT
    if (program.length > 0 && !isSound(program)) return EINVAL
    const head = layProgram(m, program)
    if (head === 0 && program.length > 0) return ENOBUFS
    socketFilters.detach(s, socket)
    m.put32(socket + FILTER, head)
    return 0
  },

  wanted({ m }, socket, at, length, chain, behind) {
    const filter = m.get32(socket + FILTER)
    if (filter === 0) return length + behind
    return Math.min(length + behind, runFilter(m, filter, at, length, chain, behind))
  },

  detach({ m }, socket) {
    freePages(m, m.get32(socket + FILTER))
    m.put32(socket + FILTER, 0)
  },
}

/** The program in pages; 0 when memory is full. */
function layProgram(m: Arena, program: readonly FilterInstruction[]): Page {
  let head = 0
  let page = 0
  for (const [i, [code, whenTrue, whenFalse, k]] of program.entries()) {
    if (i % INSTRUCTIONS_A_PAGE === 0) {
      const fresh = takePage(m, POOL_FILTERS, false)
      if (head === 0) head = fresh
      else if (fresh !== 0) m.put32(page + PAGE_NEXT, fresh)
      if (fresh === 0) {
        freePages(m, head)
        return 0
      }
      page = fresh
    }
    const at = page + PROGRAM_AT + (i % INSTRUCTIONS_A_PAGE) * INSTRUCTION
    m.put16(at, code)
    m.put8(at + 2, whenTrue)
    m.put8(at + 3, whenFalse)
    m.put32(at + 4, k)
  }
  return head
}
