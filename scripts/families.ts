import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { knownFamilies } from "../src/families/families.ts";
import { familySources } from "../src/families/sources.generated.ts";
import { familyTypes } from "../src/families/types.generated.ts";
import { configOf, goldenNames, worstDifference } from "../test/families/alone.ts";

/*
 * What is said of families in README.md and src/families/README.md, from the goldens and from transformers' own list of text
 * models. `npx tsx scripts/families.ts` prints it; a test holds the READMEs to it, but for the differences, which it holds to be small.
 */

/** Which of transformers' own text models run by their checkpoints' folder alone. */
export interface Coverage {
  /** The version of transformers whose list it is. */
  readonly transformers: string;
  readonly run: readonly string[];
  /** A checkpoint of one of these ends with E737, which names the family. */
  readonly unknown: readonly string[];
  /** Families that run and that the list has under another name: text models of models that also see or hear. */
  readonly beside: readonly string[];
}

export function coverage(): Coverage {
  const list = new URL("../test/golden/text_models.json", import.meta.url);
  const { transformers, types } = JSON.parse(readFileSync(list, "utf8")) as {
    readonly transformers: string;
    readonly types: Readonly<Record<string, readonly string[]>>;
  };
  const known = new Set(knownFamilies());
  const names = Object.keys(types);
  return {
    transformers,
    run: names.filter((name) => known.has(name)),
    unknown: names.filter((name) => !known.has(name)),
    beside: [...known].filter((name) => !names.includes(name)),
  };
}

/** A file of `src/families` with the types that it speaks for and its goldens. */
export const families = (): readonly {
  readonly file: string;
  readonly types: readonly string[];
  readonly goldens: readonly string[];
}[] =>
  familyTypes
    .filter(({ name }) => name.startsWith("families/"))
    .map(({ name, families: types }) => ({
      file: name.replace("families/", ""),
      types,
      goldens: goldenNames.filter((golden) => textTypes(golden).some((type) => types.includes(type))),
    }));

/** What a model is, as its text shows. */
const kinds: readonly (readonly [string, (text: string) => boolean])[] = [
  ["encoders and decoders", (text) => text.includes("input decoder_input_ids")],
  ["encoders", (text) => text.includes("input attention_mask")],
  [
    "decoders with states or convolutions in the place of attention",
    (text) => /linear_attend|short_conv\(|mamba2?\(|gated_delta_net\(/.test(text),
  ],
  ["decoders with experts", (text) => /moe\(/.test(text)],
  ["decoders", () => true],
];

/** The `model_type`s by what their models are, as a table. */
export function groupTable(): string {
  const groups = new Map(kinds.toReversed().map(([kind]) => [kind, [] as string[]]));
  for (const { name, families: types } of familyTypes) {
    const { text } = familySources.find((source) => source.name === name)!;
    groups.get(kinds.find(([, matches]) => matches(text))![0])!.push(...types);
  }
  return [...groups]
    .map(
      ([kind, types]) =>
        `| ${kind} | ${types
          .toSorted()
          .map((type) => `\`${type}\``)
          .join(", ")} |`,
    )
    .join("\n");
}

/** What both READMEs say in numbers. */
export const counts = () => {
  const { run, unknown } = coverage();
  return { types: knownFamilies().length, listed: run.length + unknown.length, run: run.length };
};

function textTypes(golden: string): readonly string[] {
  const { model_type: type, text_config: part } = configOf(golden);
  return [type, (part as { model_type?: string } | undefined)?.model_type].filter(
    (each) => typeof each === "string",
  );
}

async function table(): Promise<string> {
  const rows: string[] = [];
  for (const { file, types, goldens } of families()) {
    let worst: readonly [number, number] = [0, 0];
    for (const golden of goldens)
      worst = [
        Math.max(worst[0], await worstDifference(golden, "interpreter")),
        Math.max(worst[1], await worstDifference(golden, "wasm")),
      ];
    rows.push(
      `| [${file}](${file}) | ${types.map((type) => `\`${type}\``).join(", ")} | ${goldens.length} | ${worst.map((each) => each.toExponential(0)).join(" | ")} |`,
    );
  }
  return rows.join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${groupTable()}\n`);
  console.log(await table());
  const { transformers, run, unknown, beside } = coverage();
  console.log(`\ntransformers ${transformers} has ${run.length + unknown.length} types of text models`);
  console.log(`${run.length} run: ${run.join(", ")}`);
  console.log(`${unknown.length} are refused by name: ${unknown.join(", ")}`);
  console.log(`${beside.length} more run: ${beside.join(", ")}`);
}
