import { dirname, join } from "node:path";
import { findGguf } from "../../checkpoint/files/gguf.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import type { JsonObject } from "../../checkpoint/json.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { textInput, textSource } from "../../run/generation.ts";
import { contextOf } from "../../run/tokens.ts";
import { generateText, type GenerateOptions } from "../../session/generate.ts";
import { chatTemplate, type ChatMessage, type ChatTemplate } from "../../text/chat.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { parseNumber } from "../arguments.ts";
import { orStop, stop } from "../stop.ts";
import { showDiagnostic } from "../../support/diagnostic.ts";
import { readGgufChat } from "./gguf.ts";
import { readSampling } from "./sampling-options.ts";
import type { Session } from "./session.ts";
import { readIfThere, readTextIfThere } from "./tokenizer-files.ts";

/** What ends the program, and what begins another conversation. */
const [EXIT, ANEW] = ["/exit", "/new"];

/** The chat template of a checkpoint, a folder or a GGUF file; without one the command ends. */
export function readChatTemplate(folder: string | undefined): ChatTemplate {
  const template = folder === undefined ? undefined : orStop(findChatTemplate(folder));
  return (
    template ??
    stop(
      "E839",
      "there is no chat template to talk by",
      "`chat_template` of tokenizer_config.json or of a GGUF file, or a chat_template.jinja, has one; --prompt goes on with a text",
    )
  );
}

/** The same where there may be none: undefined then, or what is wrong with it. */
export function findChatTemplate(path: string): ChatTemplate | Problem | undefined {
  const { config = {}, file, name } = chatFiles(path);
  return chatTemplate(config, file, name);
}

interface ChatFiles {
  /** As tokenizer_config.json says it. */
  readonly config?: JsonObject | undefined;
  /** The text of chat_template.jinja. */
  readonly file?: string | undefined;
  /** Of what has the template. */
  readonly name: string;
}

/** Those of a folder, or of the folder of a file that is named; a GGUF file has them itself. */
function chatFiles(path: string): ChatFiles {
  const folder = kindOfPath(path) === "folder" || findGguf(path) !== undefined ? path : dirname(path);
  const [json, jinja] = [join(folder, "tokenizer_config.json"), join(folder, "chat_template.jinja")];
  const [config, file] = [readIfThere(json), readTextIfThere(jinja)];
  const gguf = config === undefined && file === undefined ? findGguf(folder) : undefined;
  if (gguf !== undefined) return { config: readGgufChat(gguf), name: gguf };
  return { config, file, name: file === undefined ? json : jinja };
}

/**
 * Talks: each line of standard input is a message, and gets an answer, which streams. What was said before is not read
 * again, as far as the template leaves it as it was. `/new` begins another conversation. Ctrl-C ends an answer; where none
 * runs, the program.
 */
export async function runChat(
  session: Session,
  template: ChatTemplate,
  stopTokens: ReadonlySet<number>,
): Promise<void> {
  const { model, options, out } = session;
  const { tokenizer } = model;
  if (tokenizer === undefined) return stop("E818", "there is no tokenizer to talk with");
  const maxTokens = orStop(parseNumber("--generate", options.generate ?? "1000", 1, 1_000_000, true));
  const given = { ...readSampling(options), maxTokens, stopTokens };
  const begun: readonly ChatMessage[] =
    options.system === undefined ? [] : [{ role: "system", content: options.system }];
  let messages = begun;
  for await (const line of out.lines("> ")) {
    const content = line.trim();
    if (content === EXIT) return;
    if (content === ANEW) messages = begun;
    if (content === "" || content === ANEW) continue;
    const asked = [...messages, { role: "user", content }];
    const answer = await answered({ ...session, template, tokenizer }, asked, given);
    if (answer instanceof Problem) out.note(`${showDiagnostic(answer, out.notePaint)}\n`);
    else messages = [...asked, { role: "assistant", content: answer }];
  }
}

interface Talk extends Session {
  readonly template: ChatTemplate;
  readonly tokenizer: Tokenizer;
}

/** Writes the answer to what was said last; a conversation that cannot be put to the model is a problem. */
async function answered(
  { model, out, template, tokenizer }: Talk,
  messages: readonly ChatMessage[],
  options: GenerateOptions,
): Promise<string | Problem> {
  const text = template(messages);
  if (text instanceof Problem) return text;
  const ids = (tokenizer.encodeBare ?? tokenizer.encode)(text);
  if (ids instanceof Problem) return ids;
  const input = textInput(model.graph);
  if (input instanceof Problem) return input;
  const context = contextOf(model.graph, input);
  if (ids.length > context) return tooLong(ids.length, context);
  const source = textSource(model, ids);
  if (source instanceof Problem) return source;
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.on("SIGINT", interrupt);
  try {
    const pieces = generateText(source, tokenizer, ids, { ...options, signal: interrupted.signal });
    for (;;) {
      const next = await pieces.next();
      if (next.done !== true) {
        out.write(next.value);
        continue;
      }
      out.write("\n");
      if (next.value.stopped === "capacity")
        out.note(`stopped: the model reads at most ${context} tokens; ${ANEW} begins another conversation\n`);
      return next.value.text;
    }
  } finally {
    process.off("SIGINT", interrupt);
  }
}

const tooLong = (count: number, context: number): Problem =>
  new Problem(
    "E815",
    `the conversation has ${count} tokens, and the model reads at most ${context}`,
    `\`${ANEW}\` begins another one, of which nothing is remembered`,
  );
