/** What the browser keeps for this page; undefined where its settings let it keep nothing. */
export function kept(open: () => Storage): Storage | undefined {
  try {
    const storage = open()
    storage.setItem(PROBE, '')
    storage.removeItem(PROBE)
    return storage
  } catch {
    // Denied as a whole, or room for nothing.
    return undefined
  }
}

const PROBE = 'lanlet.probe'
