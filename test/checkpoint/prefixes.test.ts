import { describe, expect, test } from "vitest";
import { matchParameters, type CheckpointTensor } from "../../src/checkpoint/match.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { compile } from "../../src/compile.ts";
import { prefixesFor } from "../../src/tensor/names.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { cpuTargets, instantiate } from "../emit/cpu.ts";
import { messageOf } from "./fixtures.ts";

/** A model whose names have `model.` in front but for its head's, as those of Llama have. */
const text = `model m(dim = 2) {
  input x: f32[B, dim]
  model.up: linear(dim) -> model.norm: layernorm as hidden
  head: linear(dim)
  output y
  output hidden
}`;

const { model, plan } = compile({ name: "m.lmg", text });
const { parameters } = model!.graph;

/** Each tensor has a number of its own, so that a mistaken name shows. */
const values = new Map(
  parameters.map(({ name, value }, index) => {
    const shape = value.type.shape.map(({ key }) => Number(key));
    const size = shape.reduce((product, length) => product * length, 1);
    return [name, hostTensor("f32", shape, Array<number>(size).fill(index + 1))] as const;
  }),
);

const renamed = (rename: (name: string) => string) =>
  new Map([...values].map(([name, tensor]) => [rename(name), toStored(tensor)]));

type Stored = ReturnType<typeof renamed>;

const checkpoint = (stored: Stored): ReadonlyMap<string, CheckpointTensor> =>
  new Map([...stored].map(([name, tensor]) => [name, { ...tensor, read: () => tensor }]));

/** What the command line makes of the names: the first number of each parameter's tensor, or its problems. */
function onCommandLine(stored: Stored, prefix?: string): string {
  const match = matchParameters(parameters, checkpoint(stored), "f", { prefix });
  if (!("tensors" in match)) return match.map(messageOf).join("\n");
  const numbers = parameters.map(({ name }) =>
    new DataView(Uint8Array.from(match.tensors.get(name)!.read().bytes).buffer).getFloat32(0, true),
  );
  return `${numbers.join(" ")}, -${match.takenOff} +${match.putInFront}`;
}

const x = { data: [1, -1], shape: [1, 2] };
const modules = await Promise.all(
  cpuTargets.map(async (cpu) => {
    const module = await instantiate(cpu, plan!);
    return { module, expected: await (await module.createModel(Object.fromEntries(values))).run({ x }) };
  }),
);

/** What each emitted module says of the same file: that its outputs are as expected, or why it refuses it. */
async function inModules(stored: Stored, options = {}): Promise<string> {
  const found = modules.map(async ({ module, expected }) => {
    try {
      const model = await module.loadSafetensors(writeSafetensors(stored), options);
      expect(await model.run({ x })).toEqual(expected);
      return "as expected";
    } catch (error) {
      return (error as Error).message;
    }
  });
  const [first, ...others] = await Promise.all(found);
  for (const other of others) expect(other).toBe(first);
  return first!;
}

describe("a prefix that gives every parameter a tensor is found, on the command line and in emitted modules", () => {
  test.each<[string, (name: string) => string, string]>([
    ["no name differs", (name) => name, "- +"],
    ["one stands in front of all", (name) => `transformer.${name}`, "-transformer. +"],
    ["it is doubled, but for the head", (name) => name.replace(/^model\./, "model.model."), "-model. +"],
    ["it is doubled for all", (name) => `model.${name}`, "-model. +"],
    ["it is missing", (name) => name.replace(/^model\./, ""), "- +model."],
    ["norms have their older names", (name) => name.replace("norm.weight", "norm.gamma"), "- +"],
    ["and one in front too", (name) => `bert.${name.replace("norm.bias", "norm.beta")}`, "-bert. +"],
    ["it has parts", (name) => `a.b.c.${name}`, "-a.b.c. +"],
  ])("where %s", async (_where, rename, found) => {
    const stored = renamed(rename);
    expect(onCommandLine(stored)).toBe(`${parameters.map((_, index) => index + 1).join(" ")}, ${found}`);
    expect(await inModules(stored)).toBe("as expected");
  });

  test("two that do it are refused, and one can be said", async () => {
    const stored = new Map([
      ...renamed((name) => `encoder.${name}`),
      ...renamed((name) => `decoder.${name}`),
    ]);
    expect(onCommandLine(stored)).toBe(
      "E724 f: every parameter has a tensor with the prefix `encoder.`, and with `decoder.` | say which with --prefix, and pass over the others' with --ignore: --prefix encoder. --ignore 'decoder.*'",
    );
    expect(await inModules(stored)).toBe(
      "every parameter has a tensor with the prefix decoder. and with encoder.: say which with the option prefix",
    );
    expect(await inModules(stored, { prefix: "encoder.", ignore: [/^decoder\./] })).toBe("as expected");
  });

  test("one that gives all but some names them, and no others", async () => {
    const stored = renamed((name) => name.replace(/^model\./, ""));
    stored.delete("head.bias");
    expect(onCommandLine(stored)).toBe(
      "E721 f, `model.` put in front of its names: 1 tensor of the model is missing: `head.bias`",
    );
    expect(await inModules(stored)).toBe("missing: head.bias [2]");
  });

  test("one that would give two parameters one tensor is none", () => {
    const given = new Map([["moment.w", 0]]);
    expect(prefixesFor(["w", "moment.w"], given, undefined)).toStrictEqual([["", ""]]);
  });

  test("of a file with thousands of candidates is found or not, soon", () => {
    const given = new Map(Array.from({ length: 50_000 }, (_, index) => [`part${index}.model.up.weight`, 0]));
    expect(
      prefixesFor(
        parameters.map(({ name }) => name),
        given,
        undefined,
      ),
    ).toStrictEqual([["part0.", ""]]);
  });
});

describe("a prefix that is said", () => {
  test("is taken off or put in front", async () => {
    const numbers = parameters.map((_, index) => index + 1).join(" ");
    const doubled = renamed((name) => `model.${name}`);
    expect(onCommandLine(doubled, "model.")).toBe(`${numbers}, -model. +`);
    expect(await inModules(doubled, { prefix: "model." })).toBe("as expected");
    const missing = renamed((name) => name.replace(/^model\./, ""));
    expect(onCommandLine(missing, "model.")).toBe(`${numbers}, - +model.`);
    expect(await inModules(missing, { prefix: "model." })).toBe("as expected");
  });

  test("is refused if it is nowhere, and the empty one looks for none", async () => {
    const stored = renamed((name) => `transformer.${name}`);
    expect(onCommandLine(stored, "gpt.")).toContain(
      "E724 f: neither a tensor nor a parameter of the model begins with `gpt.`",
    );
    expect(await inModules(stored, { prefix: "gpt." })).toBe(
      "neither a tensor nor a parameter of the model begins with the prefix gpt.",
    );
    expect(onCommandLine(stored, "")).toContain("E721 f: 6 tensors of the model are missing");
    expect(await inModules(stored, { prefix: "" })).toContain("missing: model.up.weight");
  });
});

test("emitted modules take a second copy of a matrix too, and no other surplus", async () => {
  const stored = renamed((name) => name);
  const copy = toStored(values.get("head.weight")!);
  expect(await inModules(new Map([...stored, ["lm_head.weight", copy]]))).toBe("as expected");
  const other = toStored(hostTensor("f32", [2, 2], [9, 9, 9, 9]));
  expect(await inModules(new Map([...stored, ["lm_head.weight", other]]))).toContain(
    "surplus: lm_head.weight",
  );
});
