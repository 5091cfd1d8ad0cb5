/** Everything that is exchanged with the kernel’s TCP, over both families. */
import type { Check, Verdict } from './check.ts'
import { EXCHANGES } from './exchanges.ts'
import { type Ends, FAMILIES } from './kernel-ends.ts'
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

export const connections = (ends: Ends): readonly Check[] =>
  FAMILIES.flatMap(over =>
    EXCHANGES.map(({ name, needs, figure, run }) => ({
      name: `${over.words}${name}`,
      needs,
      run: () => measured(ends.place, figure && `${figure}${over.unit}`, run(ends, over)),
    })),
  )
