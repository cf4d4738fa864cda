import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sceneOf } from "../../src/picture/draw.ts";
import type { Mark, Path, Scene } from "../../src/picture/scene.ts";
import { exampleText, loweredPicture, small } from "./pictures.ts";
import { broken } from "./rules.ts";

const those = <K extends Mark["kind"]>({ marks }: Scene, kind: K): readonly Extract<Mark, { kind: K }>[] =>
  marks.filter((mark): mark is Extract<Mark, { kind: K }> => mark.kind === kind);

type Settings = Parameters<typeof loweredPicture>[1];

/** What of the picture in which every box is opened is not as pictures are to be. */
function brokenOpened(text: string, settings: Settings = {}): readonly string[] {
  const { graph, scene } = loweredPicture(text, settings);
  const opened = [...new Set(those(scene, "box").map(({ name }) => name))];
  return broken(graph, sceneOf(graph, { opened }), opened);
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder).filter((name) => name.endsWith(".lmg"));

test.each(filesIn("examples"))("example %s is drawn by the rules with every box opened", (name) => {
  expect(brokenOpened(readFileSync(`examples/${name}`, "utf8"))).toStrictEqual([]);
});

test.each(filesIn("src/families"))("family %s is drawn by the rules with every box opened", (name) => {
  expect(brokenOpened(readFileSync(`src/families/${name}`, "utf8"), small[name])).toStrictEqual([]);
});

const lanesOf = (scene: Scene): readonly Path[] => those(scene, "path").filter(({ role }) => role === "lane");

/** At what heights lanes begin. */
const startsOf = (scene: Scene): readonly number[] => lanesOf(scene).map(({ points }) => points[0]!.y);

test.each(["pre", "post", "sandwich", "out", "none"])(
  "in an opened block of placement %s q, k and v are read within the frame, above what reads them",
  (placement) => {
    const { graph, scene } = loweredPicture(exampleText("placement"), { placement }, ["attn"]);
    expect(broken(graph, scene, ["attn"])).toStrictEqual([]);
    const top = those(scene, "frame")[0]!.y;
    const first = those(scene, "box").find(({ y }) => y > top)!;
    const [k, v, ...later] = startsOf(scene);
    for (const start of [k!, v!]) {
      expect(start).toBeGreaterThan(top);
      expect(start).toBeLessThan(first.y);
    }
    // Of k and v to where they attend.
    expect(later).toHaveLength(2);
  },
);

const injected = (depth: number): string => `
model injected {
  input x: f32[B, 4]
  up: linear(4) as x0
  repeat ${depth} as h {
    residual {
      p = stream -> p: linear(4)
      q = stream -> q: linear(4)
      r = x0 -> r: linear(4)
      p + q + r
    }
    tap = stream -> tap: linear(4)
  }
  output y: f32[B, 4]
}
`;

test.each([2, 3, 5])(
  "what all of %i iterations read is read from above the frame, though the first carries it too",
  (depth) => {
    const { graph, scene } = loweredPicture(injected(depth));
    expect(broken(graph, scene)).toStrictEqual([]);
    const top = those(scene, "frame")[0]!.y;
    // q, r, then both to where they are added.
    expect(startsOf(scene).map((start) => start > top)).toStrictEqual([true, false, true, true]);
  },
);
