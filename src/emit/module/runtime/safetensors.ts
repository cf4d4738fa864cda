import type { ProgramPlan } from "../../../plan/plan.ts";
import type { Piece } from "../piece.ts";
import { fragment } from "../text.ts";
import { readerRuntime } from "./reader.generated.ts";
import { optionsParameter } from "./types.ts";

/** What makes a model of a safetensors file. */
const loadRuntime = (program: ProgramPlan): string[] => [
  ...fragment`
    /**
     * Reads a safetensors file into a model. Floats are read as float32, whole numbers as int32. Throws WeightsError for a
     * file that is cut off or contradicts itself, and for tensors that do not fit the model. Of a checkpoint in several
     * files, createModel takes the tensors of all: createModel(new Map(files.flatMap((file) => [...readSafetensors(file)])))
     */
  `,
  `export function loadSafetensors(bytes«: Uint8Array | ArrayBuffer», ${optionsParameter(program)})«: Model» {`,
  "  return createModel(readSafetensors(bytes), options);",
  "}",
];

/** What reads weights from a file. */
export const safetensorsRuntime = (program: ProgramPlan): Piece => ({
  declares: ["loadSafetensors", ...readerRuntime.declares],
  code: [...loadRuntime(program), "", ...readerRuntime.code],
});

/** What makes a model of a safetensors file that is read a part at a time; `device` is a parameter in front of the file. */
export const loadingLines = (options: string, device: string): string[] => {
  const given = device === "" ? "" : `${device.replace(/«.*?»/, "")}, `;
  return [
    "/**",
    " * Reads a safetensors file into a model: its bytes, a File or Blob, an address (by ranges, where the server gives them), in Node",
    " * a path; or several files that are one checkpoint, or the address or path of their index. A part of a tensor at a time is",
    " * in memory twice. Rejects with WeightsError for a file that is cut off, contradicts itself, or does not fit.",
    " */",
    `export async function loadSafetensors(${device === "" ? "" : `${device}, `}source«: WeightFile | readonly WeightFile[]», ${options})«: Promise<Model>» {`,
    "  const { tensors, close } = await openSafetensors(source, options);",
    "  try {",
    `    return await createModel(${given}tensors, options);`,
    "  } finally {",
    "    close();",
    "  }",
    "}",
  ];
};
