import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configText } from "../../src/checkpoint/config.ts";
import { familyModel } from "../../src/families/models.ts";
import { parse } from "../../src/language/parse.ts";
import { isConfigObject, type ConfigObject } from "../../src/lower/config/file.ts";
import { noTokens, publishConfig } from "../../src/lower/config/written/publish.ts";
import { lower } from "../../src/lower/lower.ts";

/*
 * The golden checkpoints with the configs that lmg writes of their models, for test/golden/written_configs.py to load:
 *
 *     npx tsx test/families/write-configs.ts out/configs
 *     python test/golden/written_configs.py out/configs
 */

const [out = "out/configs"] = process.argv.slice(2);

/** Those whose weights are no model of the class that their section names, and families without one in transformers. */
const ofOtherClasses: ReadonlySet<string> = new Set([
  "bert_headless",
  "gemma3_vision",
  "exaone",
  "internlm3",
  "iquestcoder",
]);

for (const root of ["test/golden/families", "test/golden/hf"])
  for (const name of readdirSync(root)) {
    if (ofOtherClasses.has(name)) continue;
    const folder = join(root, name);
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as ConfigObject;
    const source = familyModel(
      (isConfigObject(config["text_config"]) ? config["text_config"] : config)["model_type"] as string,
    );
    const { file } = parse(source!);
    const { model } = lower(file, { config, writeConfig: true });
    const found = publishConfig(model!, { file, options: {}, extra: noTokens });
    if (!("config" in found)) throw new Error(`${name}: ${found.because}`);
    mkdirSync(join(out, name), { recursive: true });
    writeFileSync(join(out, name, "config.json"), configText(found.config, found.floats));
    for (const each of ["model.safetensors", "golden.safetensors", "golden.json"])
      if (existsSync(join(folder, each))) copyFileSync(join(folder, each), join(out, name, each));
  }
