/** A refused request in words: the worker and the room refuse with one sentence, meant to be shown as it is. */
export const refusal = (error: unknown): string => (error instanceof Error ? error.message : String(error))
