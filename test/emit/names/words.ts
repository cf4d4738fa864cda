import { readdirSync, readFileSync } from "node:fs";
import { compile } from "../../../src/compile.ts";
import { emitTypeScript } from "../../../src/emit/ts/emit.ts";
import { emitWasm } from "../../../src/emit/wasm/emit.ts";
import { emitWgsl } from "../../../src/emit/wgsl/emit.ts";
import { parse } from "../../../src/language/parse.ts";
import { reservedWords as languageWords } from "../../../src/language/words.ts";
import type { Plan, ProgramPlan } from "../../../src/plan/plan.ts";
import { smallSizes } from "../../programs/sizes.ts";
import { classifier, trainingOf } from "../../train/small.ts";

/** ECMA-262, §12.7.2 ReservedWord, and what strict mode and modules keep; TypeScript's own words; values of the language. */
const javascript =
  "await break case catch class const continue debugger default delete do else enum export extends false finally for " +
  "function if import in instanceof new null return super switch this throw true try typeof var void while with yield " +
  "let static implements interface package private protected public arguments eval undefined NaN Infinity async of get " +
  "set as any unknown never number string boolean symbol bigint object type declare namespace module abstract readonly " +
  "keyof infer is asserts satisfies override require global accessor using out unique";

/** What every object has: a name that is read where nothing was given finds these. */
const inherited = Object.getOwnPropertyNames(Object.prototype).join(" ");

/** WGSL (W3C, 2024): keywords (§15.1), reserved words (§15.2), predeclared types and functions, by their first words. */
const wgsl =
  "alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let " +
  "loop override requires return struct switch true var while NULL Self abstract active alignas alignof as asm " +
  "asm_fragment async attribute auto await become cast catch class co_await co_return co_yield coherent column_major " +
  "common compile compile_fragment concept const_cast consteval constexpr constinit crate debugger decltype delete " +
  "demote demote_to_helper do dynamic_cast enum explicit export extends extern external fallthrough filter final " +
  "finally friend from fxgroup get goto groupshared highp impl implements import inline instanceof interface layout " +
  "lowp macro macro_rules match mediump meta mod module move mut mutable namespace new nil noexcept noinline " +
  "nointerpolation non_coherent noncoherent noperspective null nullptr of operator package packoffset partition pass " +
  "patch pixelfragment precise precision premerge priv protected pub public readonly ref regardless register " +
  "reinterpret_cast require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std " +
  "subroutine super target template this thread_local throw trait try type typedef typeid typename typeof union unless " +
  "unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield " +
  "bool f16 f32 i32 u32 vec2 vec3 vec4 vec2f vec4f vec3u mat2x2 array atomic ptr sampler texture_2d function private " +
  "workgroup uniform storage read write read_write bitcast all any select arrayLength abs acos ceil clamp cos cross " +
  "degrees dot exp exp2 fma floor fract frexp ldexp length log log2 max min mix modf normalize pow radians round sign " +
  "sin sqrt step tan tanh transpose trunc workgroupBarrier storageBarrier subgroupAdd pack2x16float unpack2x16float";

/** Names that differ only by lines under them, and numbers that slots, copies and second wishes have. */
const numbered = "slot0 slot1 slot2 slot0_1 x x_ _x _x_ __x x__1 x_1 input0 input1 scratch words dims d _d $";

/** Plans of every model of the examples, and of trainings. */
export function plans(): (Plan | ProgramPlan)[] {
  const folder = new URL("../../../examples/", import.meta.url);
  const models = readdirSync(folder)
    .filter((name) => name.endsWith(".lmg"))
    .flatMap((name) => {
      const source = { name, text: readFileSync(new URL(name, folder), "utf8") };
      return parse(source)
        .file.definitions.filter(({ kind }) => kind === "model")
        .map(({ name: model, parameters }) => {
          const known = parameters
            .map((parameter) => parameter.name.text)
            .filter((word) => word in smallSizes);
          const settings = Object.fromEntries(known.map((word) => [word, smallSizes[word]!]));
          return compile(source, { model: model.text, settings, verify: false }).plan!;
        });
    });
  return [...models, trainingOf(classifier).program.plan];
}

interface Words {
  /** What an input or a value may be called. */
  readonly names: string[];
  /** What a run-time dim may be called. */
  readonly dims: string[];
}

const usable = (words: Iterable<string>): Words => {
  const list = [...new Set(words)].filter((word) => /^[A-Za-z_]\w*$/.test(word));
  return {
    names: list.filter((word) => /^[a-z_]/.test(word) && !languageWords.has(word)),
    dims: list.filter((word) => /^[A-Z]/.test(word)),
  };
};

const known = [javascript, inherited, wgsl, numbered].flatMap((list) => list.split(" "));

/** Every word that the languages of the targets know. */
export const knownWords: Words = usable(known);

/** Binary code, which is text but no words. */
const binary = /"[0-9a-f]{64,}"/g;

/** Those, and every word that occurs in a module of any model, on every target. */
export function allWords(): Words {
  const texts = plans().flatMap((plan) => [
    emitTypeScript(plan).files[0]!.text,
    emitWasm(plan).files[0]!.text.replaceAll(binary, ""),
    emitWgsl(plan, { f16: true, subgroups: true }).files[0]!.text,
  ]);
  const occurring = texts.flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []);
  return usable([...known, ...occurring]);
}
