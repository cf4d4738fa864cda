/* The script of a Vite app that writes texts, which has the API of the folder that `lmg compile --generate` wrote to public/talk. */
import {
  load,
  type ChatMessage,
  type Generated,
  type LoadOptions,
  type LoadProgress,
  type ModelFacts,
  type TextModel,
  type TextStream,
  type WriteOptions,
} from "../../../src/page/api.ts";

export type Choice = Pick<LoadOptions, "target" | "threads">;
export type Options = Omit<WriteOptions, "signal">;

let model: TextModel;

export async function open(choice: Choice): Promise<void> {
  model = await load("/talk", choice);
}

export const facts = (): ModelFacts => {
  const { name, target, threads, context, canChat, sampling } = model;
  return { name, target, threads, context, canChat, sampling };
};

/** All pieces of a text, and what became of it. */
export async function write(
  prompt: string,
  options: Options,
): Promise<{ readonly pieces: readonly string[]; readonly result: Generated }> {
  const stream = model.generate(prompt, options);
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return { pieces, result: await stream.result };
}

/** Three long texts: one ends by a signal, one as nobody reads on, one before its turn has come. */
export async function endEarly(prompt: string): Promise<readonly Generated[]> {
  const abort = new AbortController();
  const first = model.generate(prompt, { signal: abort.signal });
  const second = model.generate(prompt);
  const early = new AbortController();
  const third = model.generate(prompt, { signal: early.signal });
  early.abort();
  let read = 0;
  for await (const piece of first) if (piece !== "" && ++read === 3) abort.abort();
  await some(second, 3);
  return Promise.all([first, second, third].map(({ result }) => result));
}

/** Reads some pieces; who reads no more ends the text. */
async function some(stream: TextStream, count: number): Promise<void> {
  let read = 0;
  for await (const piece of stream) if (piece !== "" && ++read === count) break;
}

/** A conversation of these messages, each with its answer. */
export async function chat(said: readonly string[], options: Options): Promise<readonly Generated[]> {
  const messages: ChatMessage[] = [];
  const answers: Generated[] = [];
  for (const content of said) {
    messages.push({ role: "user", content });
    const answer = await model.chat(messages, options).result;
    messages.push({ role: "assistant", content: answer.text });
    answers.push(answer);
  }
  return answers;
}

const failureOf = (stream: TextStream): Promise<string> => stream.result.then(() => "done", String);

/** What the model says of what it cannot do. */
export async function refusals(): Promise<readonly string[]> {
  const long = "the whale ".repeat(30);
  const failures = [
    model.chat([{ role: "system", content: "be brief" }]),
    model.chat([{ role: "user", content: "what‽" }]),
    model.chat([{ role: "user", content: long }]),
    model.generate(long),
    model.generate("The whale", { topP: 2 }),
  ].map(failureOf);
  return Promise.all(failures);
}

/** Writes texts one after the other, and tells of each piece, until one fails; what for. */
export async function untilFailure(onPiece: () => void = () => undefined): Promise<string> {
  try {
    for (;;) for await (const piece of model.generate("The whale")) if (piece !== "") onPiece();
  } catch (error) {
    return String(error);
  }
}

/** What is told of loading, what becomes of one that a signal ends on the way, and of one from where nothing is. */
export async function loading(): Promise<{
  readonly progress: readonly LoadProgress[];
  readonly aborted: string;
  readonly missing: string;
}> {
  const progress: LoadProgress[] = [];
  const onProgress = (one: LoadProgress): void => {
    progress.push(one);
  };
  const loaded = await load(new URL("talk/", location.href), { onProgress, target: "wasm", threads: 1 });
  loaded.close();
  const abort = new AbortController();
  const end = (): void => {
    abort.abort(new Error("enough"));
  };
  const aborted = await load("talk", { onProgress: end, signal: abort.signal }).then(() => "done", String);
  const missing = await load("nowhere").then(() => "done", String);
  return { progress, aborted, missing };
}

/** What becomes of a text whose model is closed. */
export async function closed(): Promise<string> {
  const failure = failureOf(model.generate("The whale"));
  model.close();
  return failure;
}

const talk = { open, facts, write, endEarly, chat, refusals, untilFailure, loading, closed };
Object.assign(window, { talk });
