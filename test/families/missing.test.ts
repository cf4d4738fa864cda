import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { silentKeys } from "../../src/families/defaults.ts";
import { familyModel } from "../../src/families/models.ts";
import { familySources } from "../../src/families/sources.generated.ts";
import { familyTypes } from "../../src/families/types.generated.ts";
import { printGraph } from "../../src/ir/print.ts";
import { parse } from "../../src/language/parse.ts";
import { isConfigObject, type ConfigObject, type ConfigValue } from "../../src/lower/config/file.ts";
import type { File } from "../../src/language/ast.ts";
import { lower, type LoweredModel } from "../../src/lower/lower.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { keysOf } from "../../src/lower/config/keys.ts";
import { spanText } from "../../src/support/source.ts";
import { goldenKeys, ownLines } from "./sections.ts";

/*
 * What a config means to transformers where a key is missing, or null (`test/golden/config_defaults.py`): lmg's model is the one of the
 * whole config that transformers makes of it, or the key is refused by its name.
 */

/**
 * The keys of transformers' config that are others without a key, or with null in its place. Where it has no meaning there, as its class has
 * no such key or refuses it, there is none.
 */
interface Row {
  /** Where the key stands, if not in config.json: in the spelling before transformers 5. */
  readonly file?: string;
  readonly missing?: ConfigObject;
  readonly null?: ConfigObject;
}

const { goldens } = JSON.parse(readFileSync("test/golden/config_defaults.json", "utf8")) as {
  readonly goldens: Readonly<Record<string, Readonly<Record<string, Row>>>>;
};

/** The config with another value of a key, dots and all, or without the key. */
function changed(config: ConfigObject, key: string, value: ConfigValue | undefined): ConfigObject {
  const [part, ...rest] = key.split(".") as [string, ...string[]];
  const { [part]: before, ...others } = config;
  if (rest.length > 0)
    return isConfigObject(before) ? { ...config, [part]: changed(before, rest.join("."), value) } : config;
  return value === undefined ? others : { ...config, [part]: value };
}

/** What a model computes with a config, as text, or what is said against the config. */
interface Reading {
  readonly model?: string;
  readonly said: string;
}

/** The parameters that a config gives a model: its body is left out. */
function parameters(file: File, config: ConfigObject): Reading {
  const definitions = file.definitions.map((each) => ({
    ...each,
    body: {
      ...each.body,
      statements: each.body.statements.filter(({ kind }) => kind === "config" || kind === "input"),
    },
  }));
  return reading({ ...file, definitions }, config, (model) =>
    JSON.stringify(model.parameters.map(({ value }) => value)),
  );
}

const graph = (file: File, config: ConfigObject): Reading =>
  reading(file, config, (model) => printGraph(model.graph));

function reading(file: File, config: ConfigObject, textOf: (model: LoweredModel) => string): Reading {
  const { model, diagnostics } = lower(file, { config });
  const said = diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n");
  return model === undefined ? { said } : { model: textOf(model), said };
}

/** Whether two configs are one to a model: by their parameters, or if these differ in what is no matter, by what is computed. */
function isSame(file: File, config: ConfigObject, other: ConfigObject): boolean {
  const [one, two] = [config, other].map((each) => parameters(file, each).model);
  if (one !== undefined && one === two) return true;
  const [left, right] = [config, other].map((each) => graph(file, each).model);
  return left === right;
}

describe.each(goldenKeys())("a config of $folder", ({ folder, type, keys }) => {
  const { file } = parse(familyModel(type)!);
  const read = (name: string): ConfigObject => orThrow(readJsonFile(`test/golden/${folder}/${name}`));
  const rows = goldens[folder]!;

  test("is in the golden file with each key that its family reads", () => {
    const config = read("config.json");
    const there = keys.filter((key) => key in config && key !== "model_type");
    expect(Object.keys(rows)).toEqual(expect.arrayContaining(there));
    expect(there.length).toBeGreaterThan(4);
    expect(graph(file, config).said).toBe("");
  });

  test.each(["missing", "null"] as const)(
    "a key that is %s is what transformers takes it for, or is refused by its name",
    (way) => {
      const faults = Object.entries(rows).flatMap(([key, row]) => {
        const theirs = row[way];
        if (theirs === undefined) return [];
        const config = changed(read(row.file ?? "config.json"), key, way === "null" ? null : undefined);
        if (isSame(file, config, { ...read("config.json"), ...theirs })) return [];
        const { model, said } = graph(file, config);
        if (model === undefined && said.includes(`\`${key.split(".").at(-1)!}`)) return [];
        return [`${key}: ${said === "" ? `other than ${JSON.stringify(theirs)}` : said}`];
      });
      expect(faults).toEqual([]);
    },
  );
});

/** A number, a truth or a text as both `.lmg` and JSON write it; undefined for other expressions. */
function constantOf(text: string): ConfigValue | undefined {
  try {
    return JSON.parse(text) as ConfigValue;
  } catch {
    return undefined;
  }
}

/** What the class of a type takes for a key by any of its names, if that is a value. */
function classValue(type: string, key: string): ConfigValue | undefined {
  const { values = {}, names = {} } = silentKeys(type) ?? {};
  const own = Object.keys(values).find((name) => name === key || names[name]?.includes(key) === true);
  return own === undefined ? undefined : (values[own] ?? undefined);
}

/*
 * A file that `lmg new` wrote may get a `model_type` of its own, of which nobody knows a class: then its section's constants are what is
 * taken. So they stand in the sections too, and are the same.
 */
test("the constant that a family's section has for a missing key is what the class takes", () => {
  const compared: string[] = [];
  for (const source of familySources) {
    const { families } = familyTypes.find(({ name }) => name === source.name)!;
    for (const line of parse(source).file.definitions.flatMap(ownLines)) {
      if (line.kind !== "key" || line.values.length < 2) continue;
      const constant = constantOf(spanText(line.values.at(-1)!.span));
      if (constant === undefined) continue;
      for (const type of families) {
        const keys = line.values.slice(0, -1).flatMap(keysOf);
        const taken = keys.map((key) => classValue(type, key)).find((value) => value !== undefined);
        if (taken === undefined) continue;
        expect([type, line.name.text, constant]).toEqual([type, line.name.text, taken]);
        compared.push(`${type} ${line.name.text}`);
      }
    }
  }
  expect(compared).toContain("glm bias");
  expect(compared.length).toBeGreaterThan(30);
});
