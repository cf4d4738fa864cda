import { expect, test } from "vitest";
import { randomModel } from "../incremental/random-models.ts";
import { loweredPicture } from "./pictures.ts";
import { broken } from "./rules.ts";

test("500 random models are drawn by the rules", () => {
  const found = Array.from({ length: 500 }, (_, seed) => seed).flatMap((seed) => {
    const { graph, scene } = loweredPicture(randomModel(seed));
    return broken(graph, scene).map((text) => `${seed}: ${text}`);
  });
  expect(found).toStrictEqual([]);
});
