import { parse } from "../language/parse.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { diagnosticRecord } from "../support/record.ts";
import type { Source } from "../support/source.ts";
import { plural } from "../support/text.ts";
import { writeJson, type Out } from "./out.ts";
import { openPlace, placesOf, type ModelPlace, type StdinOptions } from "./places.ts";
import type { ModelOptions } from "./source.ts";
import { mistakesIn, showDiagnostics, Stop } from "./stop.ts";

/** What a command found when it looked at a model; only what is asked for is made. */
export interface Look {
  readonly json: () => unknown;
  readonly text: () => string;
  /** What was found is a mistake: it is shown, and then the command ends with these. */
  readonly problems?: readonly Diagnostic[];
}

export interface LookOptions extends ModelOptions, StdinOptions {
  readonly json?: true;
}

type LookAt<Options> = (source: Source, options: Options, out: Out) => Promise<Look>;

/**
 * Looks at each model that the arguments name. One that is named alone is the whole answer; of several each stands under
 * its path (`head`), in JSON in a list with it, and a mistake in one does not keep the others from being looked at.
 */
export async function lookAtEach<Options extends LookOptions>(
  args: readonly string[],
  asked: Options,
  out: Out,
  look: LookAt<Options>,
  head: (path: string) => string = (path) => `${out.paint.strong(path)}\n`,
): Promise<void> {
  const { places, several } = placesOf(args);
  const lookAt = async (place: ModelPlace): Promise<Look | undefined> => {
    const { source, options } = await openPlace(place.path, asked, out);
    if (place.found && hasBlocksOnly(source)) return undefined;
    return look(source, options, out);
  };
  if (!several) {
    showOne((await lookAt(places[0]!))!, asked, out);
    return;
  }

  const answers = new Answers(asked.json === true, head, out);
  for (const place of places)
    try {
      const found = await lookAt(place);
      if (found !== undefined) answers.add(place.path, found);
    } catch (error) {
      const mistakes = mistakesIn(error);
      if (mistakes === undefined) throw error;
      answers.fail(place.path, mistakes);
    }
  answers.end();
}

/** True for a file that other files use. */
export function hasBlocksOnly(source: Source): boolean {
  const { definitions } = parse(source).file;
  return definitions.length > 0 && definitions.every(({ kind }) => kind === "block");
}

function showOne({ json, text, problems = [] }: Look, { json: asJson }: LookOptions, out: Out): void {
  if (asJson === true) writeJson(out, json());
  else out.write(text());
  if (problems.length > 0) throw new Stop(problems);
}

/** What was found of several models. */
class Answers {
  readonly #asJson: boolean;
  readonly #head: (path: string) => string;
  readonly #out: Out;
  readonly #list: object[] = [];
  #count = 0;
  #failed = 0;

  constructor(asJson: boolean, head: (path: string) => string, out: Out) {
    this.#asJson = asJson;
    this.#head = head;
    this.#out = out;
  }

  add(path: string, { json, text, problems = [] }: Look): void {
    if (this.#asJson) this.#list.push({ path, result: json() });
    else this.#out.write(`${this.#count === 0 ? "" : "\n"}${this.#head(path)}${text()}`);
    this.#count++;
    if (problems.length > 0) this.#blame(problems);
  }

  fail(path: string, diagnostics: readonly Diagnostic[]): void {
    this.#list.push({ path, diagnostics: diagnostics.map((one) => diagnosticRecord(one, path)) });
    this.#count++;
    this.#blame(diagnostics);
  }

  /** Ends the command with 1 if any model has a mistake. */
  end(): void {
    if (this.#asJson) writeJson(this.#out, this.#list);
    else this.#out.note(`${plural(this.#count, "model")}, ${this.#failed} with mistakes\n`);
    if (this.#failed > 0) throw new Stop([]);
  }

  #blame(diagnostics: readonly Diagnostic[]): void {
    this.#failed++;
    showDiagnostics(diagnostics, this.#out);
  }
}
