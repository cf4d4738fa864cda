import { readdirSync } from "node:fs";

/** The paths of all examples, from the root of the repository. */
export const exampleFiles: readonly string[] = readdirSync("examples")
  .filter((name) => name.endsWith(".lmg"))
  .map((name) => `examples/${name}`);
