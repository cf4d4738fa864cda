import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { familyModel } from "../../src/families/models.ts";
import { printGraph } from "../../src/ir/print.ts";
import { parse } from "../../src/language/parse.ts";
import { isConfigObject, type ConfigObject, type ConfigValue } from "../../src/lower/config/file.ts";
import type { File } from "../../src/language/ast.ts";
import { lower, type LoweredModel } from "../../src/lower/lower.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { goldenKeys } from "./sections.ts";

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
