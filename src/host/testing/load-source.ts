/** The stacks of the profiles as they stand in the sources; the page loads the built ones. */
import type { CreateStack } from '../host.ts'
import type { ProfileName } from '../protocol.ts'

export async function loadSource(profile: ProfileName): Promise<CreateStack> {
  const { createStack } = (await import(`../../stack/profiles/${profile}.ts`)) as { createStack: CreateStack }
  return createStack
}
