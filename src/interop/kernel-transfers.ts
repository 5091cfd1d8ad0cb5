/** Everything that is exchanged with the kernel’s TCP, over both families. */
import type { Check, Verdict } from './check.ts'
import { EXCHANGES } from './exchanges.ts'
import { type Ends, FAMILIES, IPV6 } from './kernel-ends.ts'
import type { Place } from './place.ts'
import type { Moved } from './transfers.ts'

/** Notes how fast it was. */
export async function measured(
  place: Place,
  name: string | undefined,
  moving: Promise<Moved>,
): Promise<Verdict> {
  const { wrong, rate } = await moving
  if (wrong === undefined && name !== undefined) place.measured(name, rate)
  return wrong
}

/** What the short form has over IPv4 alone. */
const NOT_TWICE: ReadonlySet<string | undefined> = new Set(['iperfUp4', 'ourIperfUp', 'ourIperfDown2'])

export const connections = (ends: Ends): readonly Check[] =>
  FAMILIES.flatMap(over =>
    EXCHANGES.map(({ name, needs, figure, run }) => ({
      name: `${over.words}${name}`,
      needs,
      long: over.words === IPV6 && NOT_TWICE.has(figure),
      run: () => measured(ends.place, figure && `${figure}${over.unit}`, run(ends, over)),
    })),
  )
