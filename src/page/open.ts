import { orThrow, Problem } from "../checkpoint/problem.ts";
import type { WebGpuDevice } from "../emit/emitted.ts";
import { openDevice, pageAdapter } from "../run/device.ts";
import { PatientSession } from "../run/patient-session.ts";
import type { generate, GenerateOptions, SessionMaker, TextSession } from "../session/generate.ts";
import type { ChatTemplate } from "../text/chat.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { LoadProgress, ModelFacts, ModuleTarget } from "./facts.ts";
import { fetchBlob, fetchJson, fetchText } from "./fetching.ts";
import { MANIFEST, type Manifest } from "./manifest.ts";
import type { OpenMessage } from "./messages.ts";
import { generationOf, templateOf, tokenizerOf } from "./texts.ts";

/** A model that is ready to write texts. */
export interface OpenModel {
  readonly facts: ModelFacts;
  readonly session: TextSession;
  readonly generate: typeof generate;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined;
  readonly stops: Pick<GenerateOptions, "stop" | "stopTokens">;
}

/** A module with sessions, as far as a page needs it. */
interface PageModule {
  readonly generate: typeof generate;
  readonly loadSafetensors: (...given: readonly unknown[]) => Made | Promise<Made>;
  /** Of modules for a device: what it must have been requested with. */
  readonly requiredFeatures?: readonly string[];
}

type Made = SessionMaker<TextSession> & { readonly threads?: number };

/** Fetches and opens the model of a folder. */
export async function openModel(
  { folder, threads, target }: OpenMessage,
  onProgress: (progress: LoadProgress) => void,
): Promise<OpenModel> {
  const { name, modules, weights, texts, context, canChat } = await fetchJson<Manifest>(folder + MANIFEST);
  const chosen = await chooseModule(modules, target);
  const { bytes: total } = weights;
  const [module, file, ...contents] = await Promise.all([
    importModule(folder + chosen.path),
    fetchBlob(folder + weights.path, total, (loaded) => {
      onProgress({ phase: "download", loaded, total });
    }),
    ...texts.map((file) => fetchText(folder + file)),
  ]);
  const files = new Map(texts.map((file, index) => [file, contents[index]!]));
  const { stops, sampling } = generationOf(files);
  const tokenizer = tokenizerOf(files);
  const options = {
    ...(threads === undefined ? {} : { threads }),
    onProgress: ({ loaded, total: all }: { readonly loaded: number; readonly total: number }) => {
      onProgress({ phase: "memory", loaded, total: all });
    },
  };
  const device = await deviceFor(module);
  const model = await module.loadSafetensors(...(device === undefined ? [] : [device]), file, options);
  const session = new PatientSession(await model.session(), context);
  const facts: ModelFacts = {
    name,
    target: chosen.target,
    threads: model.threads ?? 1,
    context: session.capacity,
    canChat,
    sampling,
  };
  const template = canChat ? templateOf(files) : undefined;
  return { facts, session, generate: module.generate, tokenizer, template, stops };
}

/** The module that was asked for; else the first that this browser runs well. */
async function chooseModule(
  modules: Manifest["modules"],
  target: ModuleTarget | undefined,
): Promise<Manifest["modules"][number]> {
  if (target !== undefined) {
    const found = modules.find((module) => module.target === target);
    if (found !== undefined) return found;
    throw new Error(
      `the folder has no module for ${target}, but for ${modules.map((module) => module.target).join(" and ")}`,
    );
  }
  for (const module of modules.slice(0, -1)) if (module.target !== "wgsl" || (await hasGpu())) return module;
  return modules.at(-1)!;
}

/** Whether there is a GPU: adapters in software are slower than WebAssembly. */
async function hasGpu(): Promise<boolean> {
  const found = await pageAdapter();
  return !(found instanceof Problem) && !found.adapter.info.isFallbackAdapter;
}

async function deviceFor({ requiredFeatures }: PageModule): Promise<WebGpuDevice | undefined> {
  if (requiredFeatures === undefined) return undefined;
  return orThrow(await openDevice(pageAdapter, requiredFeatures)).device;
}

/** Bundlers are to leave the address alone: the module lies in the folder. */
const importModule = async (address: string): Promise<PageModule> =>
  (await import(/* @vite-ignore */ /* webpackIgnore: true */ address)) as PageModule;
