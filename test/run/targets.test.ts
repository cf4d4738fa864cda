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
  expect(found.toSorted()).toEqual(["src/cli/compile/page.ts", "src/run/engines.ts", "src/train/engines.ts"]);
  const page = readFileSync("src/run/README.md", "utf8").split("**A new target**")[1]!;
  for (const path of found)
    expect(page).toMatch(path.startsWith("src/run/") ? "engines.ts" : path.replace("src/", "../"));
});

test("two targets of one form write the same file, and no others share a file, a form or a switch", async () => {
  const { plan } = compile({ name: "m.lmg", text: "model m { input x: f32[B, 4]; relu; output y }" });
  const written = await Promise.all(
    targetNames.flatMap((name) =>
      [true, false].map(async (types) => {
        const { forms, load } = targets[name];
        const [file] = (await load())(plan!, { types });
        return `${types ? forms.typed : forms.plain}: ${file!.path}`;
      }),
    ),
  );
  const pairs = [...new Set(written)].map((pair) => pair.split(": "));
  for (const side of [0, 1]) expect(new Set(pairs.map((pair) => pair[side])).size).toBe(pairs.length);
  const switches = Object.values(targets).flatMap((target) => Object.keys(target.switches));
  expect(new Set(switches).size).toBe(switches.length);
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
