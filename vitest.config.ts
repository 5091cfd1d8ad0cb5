import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    // A test file on each core; without, one core is left free.
    maxWorkers: '100%',
    // No test asserts a time; a machine under load must not fail one either.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
