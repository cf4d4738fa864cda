import type { Code } from "../../../support/text.ts";
import { fragment } from "../../module/text.ts";

/** What of a module's own goes into the function that makes a model. */
export interface ModelParts {
  /** The parameter with its options. */
  readonly options: string;
  readonly hasState: boolean;
  readonly stateType: string;
  /** Lines that check the sizes of the state. */
  readonly fixed: readonly Code[];
  /** The functions of the parts, as members of a model. */
  readonly runs: readonly string[];
}

/** What makes a model of shaders and weights, and runs it; with state if the plan keeps some. */
export const createRuntime = ({ options, hasState, stateType, fixed, runs }: ModelParts): Code[] => [
  ...opening,
  `export async function createModel(device«: GPUDevice», source«: WeightSource», ${options})«: Promise<Model>» {`,
  [
    ...fixed,
    ...(hasState ? withState : withWeights),
    "return {",
    [...runs, ...(hasState ? keeping(stateType) : []), "destroy: () => runner.destroy(),"],
    "};",
  ],
  "}",
];

const opening = fragment`
  /**
   * The model with its weights on the device. Throws WeightsError for weights that do not fit the model, DeviceError for a
   * device that cannot run it.
   */
`;

const withWeights = ["const runner = new Runner(await load(device, matchWeights(source, options)));"];

const withState = [
  "const tensors = matchWeights(source, options);",
  "const runner = new Runner(await load(device, tensors));",
  "const kept = await runner.begin(stateTensors(tensors, fixed));",
];

const keeping = (type: string): string[] => [
  `readState: (names) => runner.readState(kept, names)« as Promise<Record<string, ${type}>>»,`,
  "writeState: (source) => runner.writeState(kept, source),",
];
