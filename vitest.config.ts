import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { entryFiles } from "./test/entries/entries.ts";
import { LongestFirst } from "./test/suite/order.ts";

/**
 * Folders whose tests change nothing of their process: neither its environment, flags, globals nor modules. Their files share
 * processes, so that each of these reads the compiler and its standard library once and not once a file.
 */
const pure = [
  "autodiff",
  "editor",
  "ir",
  "language",
  "lower",
  "ops",
  "passes",
  "picture",
  "plan",
  "quantize",
  "sharding",
  "std",
  "tensor",
  "text",
];
const shared = pure.map((folder) => `test/${folder}/**/*.test.ts`);

const excluded = ["test/bench/**", "**/node_modules/**"];

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
    projects: [
      {
        extends: true,
        test: { name: "alone", include: ["test/**/*.test.ts"], exclude: [...excluded, ...shared] },
      },
      { extends: true, test: { name: "shared", include: shared, exclude: excluded, isolate: false } },
    ],
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
