import { importModule, type DeviceModel, type DeviceModule, type WebGpuDevice } from "../emit/emitted.ts";
import { emitWgsl } from "../emit/wgsl/emit.ts";
import { plural } from "../support/text.ts";
import type { EngineFactory, PartName, TrainingState } from "./engine.ts";
import { scalarsOf, type ProgramPart } from "./program.ts";

/** What keeps a tensor of the state on the device, and those that it keeps. */
interface Keeper {
  readonly model: DeviceModel;
  readonly names: readonly string[];
}

/**
 * Runs emitted shaders on a device: the state stays there, and only loss, metrics and what `readState` asks for come back.
 * Each tensor of the state belongs to the first part that has it; the others share its memory. The device is the
 * caller's. Emitted modules throw DeviceError for what a device cannot do. Nothing here needs Node.
 */
export const webgpuEngine =
  (device: WebGpuDevice): EngineFactory =>
  async (program, initial) => {
    const shared = new Map<string, unknown>();
    const keepers: Keeper[] = [];
    const open = async ({ plan }: ProgramPart): Promise<DeviceModel> => {
      const module = await importModule<DeviceModule>(emitWgsl(plan, { types: false }).files[0]!.text);
      const model = await module.createModel(device, initial, { ignore: [/^/], state: shared });
      const names = [...model.state.keys()].filter((name) => !shared.has(name));
      for (const name of names) shared.set(name, model.state.get(name));
      keepers.push({ model, names });
      return model;
    };
    const { update, accumulate, evaluation } = program;
    try {
      const models: Partial<Record<PartName, DeviceModel>> = {
        update: await open(update),
        ...(accumulate && { accumulate: await open(accumulate) }),
        evaluation: await open(evaluation),
      };
      return {
        description: `plan of ${plural(update.plan.steps.length, "step")} on a WebGPU device`,
        run: async (part, inputs) => scalarsOf(await models[part]!.run(inputs)),
        readState: () => readAll(keepers),
        writeState: (state) => writeAll(keepers, state),
        close: () => {
          for (const { model } of keepers) model.destroy();
        },
      };
    } catch (error) {
      for (const { model } of keepers) model.destroy();
      throw error;
    }
  };

async function readAll(keepers: readonly Keeper[]): Promise<TrainingState> {
  const parts: TrainingState[] = [];
  for (const { model, names } of keepers) {
    if (names.length === 0) continue;
    const state = await model.readState();
    parts.push(Object.fromEntries(names.map((name) => [name, state[name]!])));
  }
  return Object.assign({}, ...parts) as TrainingState;
}

async function writeAll(keepers: readonly Keeper[], state: TrainingState): Promise<void> {
  for (const { model, names } of keepers) {
    const own = names.filter((name) => Object.hasOwn(state, name));
    await model.writeState(Object.fromEntries(own.map((name) => [name, state[name]!])));
  }
}
