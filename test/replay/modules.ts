import { readdirSync, readFileSync } from "node:fs";
import { compile } from "../../src/compile.ts";
import type { EmittedFile } from "../../src/emit/module/file.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { emitWgsl } from "../../src/emit/wgsl/emit.ts";
import { parse } from "../../src/language/parse.ts";
import type { Plan, ProgramPlan } from "../../src/plan/plan.ts";
import type { Source } from "../../src/support/source.ts";
import { trainingNotes } from "../../src/train/modules.ts";
import { lowerForTraining, trainingProgram } from "../../src/train/program.ts";
import { settingsOf, stepOptionsOf, type TrainingSettings } from "../../src/train/settings.ts";

const examples = new URL("../../examples/", import.meta.url);

type Emit = (plan: Plan | ProgramPlan, notes?: readonly string[]) => readonly EmittedFile[];

/** Each way to write a plan whose text differs. */
const emitters: readonly Emit[] = [
  (plan, notes = []) => emitTypeScript(plan, { notes }).files,
  (plan, notes = []) => emitWgsl(plan, { notes }).files,
  (plan, notes = []) => halves(emitWgsl(plan, { f16: true, subgroups: true, notes }).files),
];

const halves = (files: readonly EmittedFile[]): readonly EmittedFile[] =>
  files.map(({ path, text }) => ({ path: path.replace(".wgsl.", ".f16.wgsl."), text }));

export const exampleNames = readdirSync(examples)
  .filter((name) => name.endsWith(".lmg"))
  .map((name) => name.slice(0, -".lmg".length));

/** Deep models say the same of each layer: two show how one joins the next. */
const FEW_LAYERS = { depth: "2", half: "1" };

/** All modules that the compiler writes for an example: of the model, and of its training where it says how it is trained. */
export function modulesOf(name: string, write = emitters): readonly EmittedFile[] {
  const source = {
    name: `examples/${name}.lmg`,
    text: readFileSync(new URL(`${name}.lmg`, examples), "utf8"),
  };
  const settings = Object.fromEntries(
    Object.entries(FEW_LAYERS).filter(([parameter]) => source.text.includes(`${parameter} = `)),
  );
  const { plan } = compile(source, { settings, verify: false });
  return write.flatMap((emit) => [...emit(plan!), ...trainingModules(source, settings, emit)]);
}

function trainingModules(
  source: Source,
  settings: Readonly<Record<string, string>>,
  emit: Emit,
): readonly EmittedFile[] {
  const { model } = lowerForTraining(parse(source).file, { settings });
  if (model === undefined) return [];
  const training = settingsOf(model.train, { perEpoch: 1 }, { steps: 1 }) as TrainingSettings;
  const { program } = trainingProgram(model, stepOptionsOf(training), { fuse: true, verify: false });
  const { optimizer, accumulate } = training;
  return emit(program!.plan, trainingNotes({ program: program!, optimizer, accumulate }));
}
