import type { Hdf5 } from "../../checkpoint/hdf5.ts";
import type { KerasArray } from "./layers/form.ts";
import type { KerasModel } from "./model.ts";

/** The arrays of each layer in Keras' own order, by the layer's name. */
export type KerasWeights = ReadonlyMap<string, readonly KerasArray[]>;

/** Parts of MultiHeadAttention, which are layers of their own. */
const parts: Readonly<Record<string, readonly string[]>> = {
  MultiHeadAttention: ["query_dense", "key_dense", "value_dense", "output_dense"],
};

/** `BatchNormalization` as `batch_normalization`: what Keras calls the groups of a `.keras` file, with a number for the next of a class. */
export const snakeCase = (kind: string): string =>
  kind
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();

/** The groups of the layers of a `.keras` file, by their names. */
export function groupsOf(
  layers: readonly { readonly name: string; readonly kind: string }[],
): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  return new Map(
    layers.map(({ name, kind }) => {
      const base = snakeCase(kind);
      const count = counts.get(base) ?? 0;
      counts.set(base, count + 1);
      return [name, `layers/${count === 0 ? base : `${base}_${count}`}`];
    }),
  );
}

/** Weights as `model.weights.h5` of a `.keras` file has them: by the order of the layers in the config. */
export function kerasWeights(
  file: Hdf5,
  model: KerasModel,
  order: readonly { readonly name: string; readonly kind: string }[],
): KerasWeights {
  const groups = groupsOf(order);
  const variables = (group: string): readonly KerasArray[] =>
    [...file.keys(`${group}/vars`)]
      .sort((a, b) => Number(a) - Number(b))
      .flatMap((index) => file.array(`${group}/vars/${index}`) ?? []);
  return new Map(
    model.layers.map(({ name, kind }) => {
      const group = groups.get(name)!;
      const inner = Object.hasOwn(parts, kind) ? parts[kind]!.map((part) => `${group}/${part}`) : [group];
      return [name, inner.flatMap(variables)];
    }),
  );
}

/** Weights as a `.h5` file of Keras 2, or of Keras 3 in that form, has them: by the layer's name. */
export function legacyWeights(file: Hdf5, model: KerasModel): KerasWeights {
  const root = file.keys("").includes("model_weights") ? "model_weights/" : "";
  return new Map(
    model.layers.map(({ name }) => {
      const names = file.texts(`${root}${name}`, "weight_names") ?? [];
      return [name, names.flatMap((each) => file.array(`${root}${name}/${each}`) ?? [])];
    }),
  );
}
