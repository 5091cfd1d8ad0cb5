/** Our resolver asked, and what it says as text. */
import { SocketError } from '../host/sockets/socket-error.ts'
import { formatIpv4 } from '../stack/ip/addresses.ts'
import { NameType } from '../stack/stack.ts'
import { formatIpv6 } from '../stack/wire/address6.ts'
import type { Verdict } from './check.ts'
import type { NodeHost } from './node-host.ts'

/** The addresses or the name that there are, sorted; or the name of the error, 'ENOENT'. */
export async function ask({ table }: NodeHost, name: string, type: NameType): Promise<string> {
  const into = new Uint8Array(4096)
  try {
    return asText(into.subarray(0, await table.answer(name, type, into)), type)
  } catch (error) {
    if (error instanceof SocketError) return error.code
    throw error
  }
}

function asText(answer: Uint8Array, type: NameType): string {
  if (type === NameType.Ptr) return new TextDecoder().decode(answer)
  const size = type === NameType.A ? 4 : 16
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength)
  const all = Array.from({ length: answer.length / size }, (_, i) =>
    type === NameType.A ? formatIpv4(view.getUint32(4 * i)) : formatIpv6(answer, 16 * i),
  )
  return all.sort().join(' ')
}

/** A check's work: our resolver's answer to a question. */
export const expectAnswer =
  (host: NodeHost, name: string, type: NameType, right: string | RegExp): (() => Promise<Verdict>) =>
  async () => {
    const answer = await ask(host, name, type)
    const is = typeof right === 'string' ? answer === right : right.test(answer)
    return is ? undefined : `the answer was '${answer}'`
  }
