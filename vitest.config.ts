import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { entryFiles } from "./test/entries/entries.ts";
import { LongestFirst } from "./test/suite/order.ts";

/** Half an hour, in milliseconds. */
const HANGS = 1_800_000;

export default defineConfig({
  resolve: {
    // Examples import the package; here it is the source.
    alias: [...entryFiles()].map(([entry, file]) => ({
      find: new RegExp(`^${entry}$`),
      replacement: resolve(file),
    })),
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/bench/**", "**/node_modules/**"],
    // A test that hangs is told of by its name, long before the run is given up; no machine is so busy that a test takes as long.
    testTimeout: HANGS,
    hookTimeout: HANGS,
    teardownTimeout: HANGS,
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    // Files have folders and processes of their own; half the cores would wait otherwise where there are two.
    maxWorkers: "100%",
  },
});
