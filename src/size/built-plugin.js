/** For a program that imports profiles from their sources: in the place of each, the built file that users run. */
import { bundleProfile, PROFILES } from './bundle.js'

/** @returns {import('rolldown').Plugin} */
export const builtProfiles = () => ({
  name: 'built-profiles',
  async load(id) {
    const profile = PROFILES.find(name => id.endsWith(`/stack/profiles/${name}.ts`))
    return profile && { code: (await bundleProfile(profile)).code, moduleType: 'js' }
  },
})
