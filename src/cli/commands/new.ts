import { basename, dirname, join } from "node:path";
import { writeFile } from "../../checkpoint/files.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { quote, quotePath } from "../../checkpoint/problem.ts";
import { knownFamilies } from "../../families/families.ts";
import { familyModel } from "../../families/models.ts";
import { library } from "../../lower/names/modules.ts";
import type { Source } from "../../support/source.ts";
import { listWords, nearest } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { sizedModel, type Sizes } from "../new/sized.ts";
import { isPublishedFolder, publishedConfig, publishedModel } from "../run/published.ts";
import { stop, Stop } from "../stop.ts";

interface NewOptions {
  readonly from?: string;
  readonly family?: string;
  readonly ignoreConfig?: readonly string[];
  readonly force?: true;
}

export const command: Command = {
  arguments: [{ name: "<name>", description: "of the model: NAME.lmg is written, or a path that ends so" }],
  options: [
    {
      flags: "--from <path>",
      description:
        "a published checkpoint (its folder or .gguf file): the model of its family, with its sizes",
    },
    {
      flags: "--family <type>",
      description: "a family by its `model_type`, with the sizes of one of its models",
    },
    {
      flags: "--ignore-config <key>",
      description: "a key of the config to pass over, with `*`; may stand several times",
      repeated: true,
    },
    { flags: "--force", description: "replace a file that is there" },
  ],
  examples: [
    ["lmg new mine --from path/to/TinyLlama", "write mine.lmg, to be changed and run on the same weights"],
    ["lmg new mine --family qwen3", "the same without a checkpoint"],
  ],
  run([given], options: NewOptions, out) {
    const { path, name } = placeOf(given!);
    const { family, sizes } = chosenFamily(options);
    if (options.force !== true && kindOfPath(path) !== undefined)
      stop("E828", `${quotePath(path)} is there already`, "choose another name, or replace it with --force");
    const made = sizedModel(family, ownName(name), sizes);
    if ("diagnostics" in made) throw new Stop(made.diagnostics);
    const problem = writeFile(path, made.text);
    if (problem !== undefined) throw new Stop([problem]);
    const weights = options.from === undefined ? "--random 0" : `--weights ${options.from}`;
    out.write(`wrote ${path}, the model of ${family.name}; lmg run ${path} ${weights}\n`);
  },
};

/** The file, and the name of the model in it. */
function placeOf(given: string): { readonly path: string; readonly name: string } {
  const name = basename(given, ".lmg");
  if (!/^[a-z_]\w*$/.test(name))
    stop(
      "E827",
      `${quote(name)} is no name of a model`,
      "a name begins with a small letter or `_`, and has letters, digits and `_`",
    );
  return { path: join(dirname(given), `${name}.lmg`), name };
}

/** A model hides the library's block of its name, which the family's text may call. */
const ownName = (name: string): string => (library.find(name) === undefined ? name : `${name}_model`);

function chosenFamily({ from, family, ignoreConfig }: NewOptions): {
  readonly family: Source;
  readonly sizes?: Sizes;
} {
  if ((from === undefined) === (family === undefined))
    return stop(
      "E829",
      "a new model is made of a checkpoint or of a family",
      "name one: --from PATH or --family TYPE",
    );
  if (from === undefined) return { family: familyModel(family!) ?? unknownFamily(family!) };
  const config = publishedConfig(from);
  const model = publishedModel(from);
  if (config === undefined || model === undefined)
    return stop(
      "E829",
      `${quotePath(from)} is no published checkpoint`,
      "name its folder, with a config.json, or a .gguf file",
    );
  const passedOver = ignoreConfig === undefined ? {} : { ignoreConfig };
  return {
    family: model,
    sizes: { config, configName: isPublishedFolder(from) ? join(from, "config.json") : from, ...passedOver },
  };
}

function unknownFamily(family: string): never {
  const near = nearest(family, knownFamilies());
  return stop(
    "E737",
    `lmg has no model of the family ${quote(family)}`,
    near === undefined ? `there are ${listWords(knownFamilies())}` : `did you mean ${quote(near)}?`,
  );
}
