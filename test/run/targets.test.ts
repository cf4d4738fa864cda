import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { targetNames, targets } from "../../src/emit/targets.ts";
import { compile } from "../../src/compile.ts";
import { placesThatMiss } from "../places.ts";

test("the type checker names what a new target costs beside its row, and the page does", () => {
  const record = `new_target: {
    where: "for nothing", forms: { typed: "new", plain: "new-js" }, writes: "nothing", switches: {},
    target: () => tsTarget, load: () => Promise.resolve(() => []), tolerance: () => 0,
  },`;
  const additions = { "src/emit/targets.ts": { before: "const rows = {", record } };
  const found = placesThatMiss(additions, ["new_target"], "src/").get("new_target")!;
  expect(found.toSorted()).toEqual(["src/run/engines.ts", "src/train/engines.ts"]);
  const page = readFileSync("src/run/README.md", "utf8").split("**A new target**")[1]!;
  for (const path of found)
    expect(page).toMatch(path.startsWith("src/run/") ? "engines.ts" : path.replace("src/", "../"));
});

test("no two targets write a file or a form of the same name, or take a switch of the same name", async () => {
  const { plan } = compile({ name: "m.lmg", text: "model m { input x: f32[B, 4]; relu; output y }" });
  const emitted = await Promise.all(
    targetNames.flatMap((name) =>
      [true, false].map(async (types) => (await targets[name].load())(plan!, { types })),
    ),
  );
  const paths = emitted.flat().map(({ path }) => path);
  expect(paths).toHaveLength(2 * targetNames.length);
  const forms = Object.values(targets).flatMap((target) => Object.values(target.forms));
  const switches = Object.values(targets).flatMap((target) => Object.keys(target.switches));
  for (const names of [paths, forms, switches]) expect(new Set(names).size).toBe(names.length);
});

test("each switch of a target changes what it writes, as no other one does", async () => {
  const text = "model m { input x: f32[B, 64]; up: linear(64); norm: layernorm; output y }";
  const { plan } = compile({ name: "m.lmg", text });
  for (const { load, switches } of Object.values(targets)) {
    const emit = await load();
    const asked = [{}, ...Object.keys(switches).map((name) => ({ [name]: true }))];
    const texts = asked.map((given) => emit(plan!, { switches: given })[0]!.text);
    expect(new Set(texts).size).toBe(asked.length);
  }
});
