import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { exampleText, pictureOf } from "./pictures.ts";
import { broken } from "./rules.ts";

const names = readdirSync("examples")
  .filter((name) => name.endsWith(".lmg"))
  .map((name) => name.replace(/\.lmg$/, ""));

test.each(names)("%s is drawn by the rules, as it was looked at", async (name) => {
  const { graph, scene, svg } = pictureOf(exampleText(name), { name: `${name}.lmg` });
  expect(broken(graph, scene)).toStrictEqual([]);
  await expect(svg).toMatchFileSnapshot(`golden/${name}.svg`);
});

test.each(["pre", "post", "sandwich", "out", "none"])(
  "placement %s moves the norms and nothing else",
  (placement) => {
    const { graph, scene } = pictureOf(exampleText("placement"), { settings: { placement } });
    expect(broken(graph, scene)).toStrictEqual([]);
    const roles = scene.marks.flatMap((mark) => (mark.kind === "pill" ? [mark.role] : []));
    const wanted = { pre: ["pre"], post: ["post"], sandwich: ["pre", "out"], out: ["out"], none: [] }[
      placement
    ];
    // Attention and feed-forward of the one iteration that is drawn.
    expect(roles).toStrictEqual([...wanted!, ...wanted!]);
  },
);

test("the picture of what is opened shows its inside", () => {
  const closed = pictureOf(exampleText("placement"));
  const { graph, scene } = pictureOf(exampleText("placement"), { opened: ["attn"] });
  const boxes = (marks: typeof scene.marks): string[] =>
    marks.flatMap((mark) => (mark.kind === "box" ? [mark.name] : []));
  expect(boxes(closed.scene.marks)).toContain("attention");
  expect(boxes(scene.marks)).not.toContain("attention");
  expect(boxes(scene.marks)).toEqual(expect.arrayContaining(["linear", "attend"]));
  expect(broken(graph, scene, ["attn"])).toStrictEqual([]);
});
