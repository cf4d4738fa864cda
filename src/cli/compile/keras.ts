import { zipSync } from "fflate";
import { writeHdf5, type Hdf5Array } from "../../checkpoint/hdf5.ts";
import { toFloat32 } from "../../checkpoint/stored.ts";
import { exportKeras } from "../../export/keras/keras.ts";
import { refusalReasons } from "../../export/table.ts";
import { groupsOf } from "../../import/keras/weights.ts";
import { errorAt } from "../../support/diagnostic.ts";
import { loadModel } from "../load.ts";
import type { Out } from "../out.ts";
import { readSource, type StdinOptions } from "../places.ts";
import { checkpointConfig, openChosenWeights, type WeightChoice } from "../run/chosen.ts";
import { withTrainedRun } from "../run/trained.ts";
import type { ModelOptions } from "../source.ts";
import { orStop, Stop } from "../stop.ts";

/** The version of Keras whose form of files this is. */
const KERAS = "3.15.1";

/** A `.keras` file of a model with its weights, which Keras loads with `keras.models.load_model`. */
export async function kerasFile(
  given: string,
  asked: ModelOptions & StdinOptions & WeightChoice,
  out: Out,
): Promise<{ readonly path: string; readonly text: Uint8Array }> {
  const { model: chosen, options } = withTrainedRun(given, asked);
  const source = await readSource(chosen, options, out);
  const { model } = await loadModel(source, options, out, { config: checkpointConfig(options) });
  const opened = openChosenWeights(model, options, out);
  try {
    const arrays = new Map(
      [...opened.tensors].map(
        ([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32(tensor.read()) }] as const,
      ),
    );
    const written = exportKeras(model.graph, arrays);
    if ("reason" in written) {
      const span = written.node?.origin.spans.at(-1) ?? model.span;
      throw new Stop([
        errorAt(
          "E774",
          span,
          `Keras cannot have this model: ${written.detail}: ${refusalReasons[written.reason]}`,
        ),
      ]);
    }
    const groups = groupsOf(written.layers);
    const places = written.layers.flatMap(({ name, arrays }) =>
      Object.entries(arrays).map(
        ([part, held]) => [part === "" ? groups.get(name)! : `${groups.get(name)!}/${part}`, held] as const,
      ),
    );
    const held = places.flatMap(([group, arrays]): Hdf5Array[] =>
      arrays.map((array, index) => ({ path: `${group}/vars/${index}`, ...array })),
    );
    const parents = [
      "layers",
      ...groups.values(),
      ...places.map(([group]) => group),
      ...places.map(([group]) => `${group}/vars`),
    ];
    const hdf5 = orStop(await writeHdf5([...new Set(parents)], held));
    const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    const files = {
      "metadata.json": json({ keras_version: KERAS, date_saved: "1980-01-01@00:00:00" }),
      "config.json": json(written.config),
      "model.weights.h5": hdf5,
    };
    // One model is one file, whenever it was written: the first day that a zip archive has.
    return { path: `${model.name}.keras`, text: zipSync(files, { level: 6, mtime: new Date(1980, 0, 1) }) };
  } finally {
    opened.close();
  }
}
