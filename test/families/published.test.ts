import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ConfigObject } from "../../src/lower/config/file.ts";
import { constantDim } from "../../src/tensor/dim.ts";
import { modelOf } from "../lower/support.ts";

interface Published {
  readonly name: string;
  readonly example: string;
  /** How many its publisher counts, with a tied head once. */
  readonly parameters: number;
  /** The keys and values of the published config.json. */
  readonly config: ConfigObject;
}

const published = JSON.parse(
  readFileSync(new URL("published.json", import.meta.url), "utf8"),
) as readonly Published[];

test.each(published.map((each) => [each.name, each] as const))(
  "the published config of %s is read whole, and makes a model with as many parameters",
  (_, { example, parameters, config }) => {
    const { graph } = modelOf(readFileSync(`examples/${example}.lmg`, "utf8"), { config });
    const counts = graph.parameters.map(({ value }) =>
      value.type.shape.reduce((product, size) => product * constantDim(size)!, 1),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(parameters);
  },
);
