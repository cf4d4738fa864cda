import { classDefaults } from "./defaults.generated.ts";

/**
 * What a config of a `model_type` says by the keys that it has not: what transformers' class takes for them, the names under which a
 * file may have them, and of what kinds they must be. Configs that stand within others leave out what is the class's own; undefined for a
 * family without a class.
 */
export const silentKeys = (type: string) =>
  Object.hasOwn(classDefaults, type) ? classDefaults[type] : undefined;
