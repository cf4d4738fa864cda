import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import type { Sizes } from "./layers/form.ts";
import type { KerasModel } from "./model.ts";

/** What Keras calls a loss, and whether it takes logits. */
interface Loss {
  readonly name: string;
  readonly fromLogits: boolean;
}

/**
 * A `train` section of what a model was compiled with: Adam, AdamW or SGD, and cross-entropy over ids or mean squared error. Of another
 * loss or optimizer none is written: how long to train and on what stands in no file anyway.
 */
export function trainLines({ compiled }: KerasModel, output: string, shape: Sizes): readonly string[] {
  const loss = compiled === undefined ? undefined : lossOf(ownValue(compiled, "loss"));
  const optimizer = compiled === undefined ? undefined : optimizerOf(ownValue(compiled, "optimizer"));
  if (loss === undefined || optimizer === undefined) return [];
  const sizes = ["B", ...shape.map((size) => (size === null ? "T" : String(size)))];
  const lines =
    loss.name === "sparse_categorical_crossentropy"
      ? [
          `target label: i32[${sizes.slice(0, -1).join(", ")}]`,
          // Of probabilities the logarithms are logits that give them.
          `loss (${loss.fromLogits ? output : `${output} -> log`}, label) -> cross_entropy`,
          `metric (${output}, label) -> accuracy`,
        ]
      : [`target wanted: f32[${sizes.join(", ")}]`, `loss (${output}, wanted) -> mean_squared_error`];
  return ["train {", ...lines, `optimizer ${optimizer}`, "epochs 1", "}"];
}

const named = (
  value: JsonValue | undefined,
): { readonly name: string; readonly config: JsonObject } | undefined => {
  if (typeof value === "string") return { name: value, config: {} };
  if (!isJsonObject(value)) return undefined;
  const [name, config] = [ownValue(value, "class_name"), ownValue(value, "config")];
  return typeof name === "string" && isJsonObject(config) ? { name, config } : undefined;
};

function lossOf(value: JsonValue | undefined): Loss | undefined {
  const found = named(value);
  switch (found?.name) {
    case "SparseCategoricalCrossentropy":
    case "sparse_categorical_crossentropy":
      return { name: "sparse_categorical_crossentropy", fromLogits: found.config["from_logits"] === true };
    case "MeanSquaredError":
    case "mean_squared_error":
    case "mse":
      return { name: "mean_squared_error", fromLogits: true };
    default:
      return undefined;
  }
}

function optimizerOf(value: JsonValue | undefined): string | undefined {
  const found = named(value);
  const rate = found?.config["learning_rate"];
  const lr = typeof rate === "number" ? Number(rate.toPrecision(6)) : 1e-3;
  switch (found?.name.toLowerCase()) {
    case "adam":
      return `adam(lr: ${lr})`;
    case "adamw": {
      const decay = found.config["weight_decay"];
      return `adamw(lr: ${lr}, decay: ${typeof decay === "number" ? decay : 0.004})`;
    }
    case "sgd": {
      const momentum = found.config["momentum"];
      return typeof momentum === "number" && momentum > 0
        ? `sgd(lr: ${lr}, momentum: ${momentum})`
        : `sgd(lr: ${lr})`;
    }
    default:
      return undefined;
  }
}
