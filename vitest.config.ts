import { defineConfig } from "vitest/config";

/** Half an hour, in milliseconds. */
const HANGS = 1_800_000;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/bench/**", "**/node_modules/**"],
    // A test that hangs is told of by its name, long before the run is given up; no machine is so busy that a test takes as long.
    testTimeout: HANGS,
    hookTimeout: HANGS,
    teardownTimeout: HANGS,
    pool: "forks",
    // Files have folders and processes of their own; half the cores would wait otherwise where there are two.
    maxWorkers: "100%",
  },
});
