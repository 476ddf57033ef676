import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: process.env["SHAREGRPO_SLOW"] ? ["tests/**/*.{test,slow}.ts"] : ["tests/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: "tests/support/temporaryFolder.ts",
    pool: "forks",
    maxWorkers: 2,
  },
});
