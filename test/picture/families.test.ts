import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loweredPicture, small } from "./pictures.ts";
import { broken } from "./rules.ts";

const names = readdirSync("src/families").filter((name) => name.endsWith(".lmg"));

test.each(names)("%s is drawn by the rules", (name) => {
  const { graph, scene } = loweredPicture(readFileSync(`src/families/${name}`, "utf8"), small[name]);
  expect(broken(graph, scene)).toStrictEqual([]);
});

test("experts are products, though they are chosen by a softmax; an iteration that differs is named by its number", () => {
  const { scene } = loweredPicture(readFileSync("src/families/deepseek_v2.lmg", "utf8"), { depth: 4 });
  const experts = scene.marks.find((mark) => mark.kind === "box" && mark.name === "mlp");
  expect(experts).toMatchObject({ hue: "linear" });
  expect(scene.marks.find((mark) => mark.kind === "frame")).toMatchObject({ count: 4, note: "[0] differs" });
});

test("what only another line reads stands beside that one", () => {
  const { graph, scene } = loweredPicture(readFileSync("src/families/t5.lmg", "utf8"));
  expect(broken(graph, scene)).toEqual([]);
  const lines = scene.marks.flatMap((mark) =>
    mark.kind === "path" && mark.role === "line" ? [mark.points[0]!.x] : [],
  );
  expect(lines).toHaveLength(2);
  const biases = scene.marks.flatMap((mark) =>
    mark.kind === "box" && mark.name === "permute" ? [mark] : [],
  );
  expect(biases.map(({ x }) => x > lines[1]!)).toEqual([false, true]);
});

test("a lane from a repeat leaves below its frame, as the last iteration made what it brings", () => {
  const { scene } = loweredPicture(readFileSync("src/families/bart.lmg", "utf8"));
  const [encoder] = scene.marks.flatMap((mark) => (mark.kind === "frame" ? [mark] : []));
  const lanes = scene.marks.flatMap((mark) => (mark.kind === "path" && mark.role === "lane" ? [mark] : []));
  expect(lanes.map(({ points }) => points[0]!.y > encoder!.y + encoder!.h)).toEqual([true]);
});
