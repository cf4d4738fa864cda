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
