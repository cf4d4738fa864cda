import { join } from "node:path";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import type { Graph } from "../../ir/graph.ts";
import type { Source } from "../../support/source.ts";
import { withTrainedRun } from "../run/trained.ts";
import { linesNote, pathsNote, trainedNote } from "../../report/probed.ts";
import type { Probed, ProbedCase } from "../../run/probe/probed.ts";
import { showCommandLine } from "../command-line.ts";
import type { Command } from "../command.ts";
import type { Out } from "../out.ts";
import { formsOf, type Form } from "../probe/forms.ts";
import { keptPath, probedJson, readFinished, writeOutput, type Finished } from "../probe/kept.ts";
import { DEFAULT_TOKENIZER, probeOptions, requireUse, type ProbeOptions } from "../probe/options.ts";
import { measureSubject, openSubject, trainOptionsOf, type Subject } from "../probe/subject.ts";
import { showProbed } from "../probe/tables.ts";
import { modelArgument } from "../source.ts";
import { stop } from "../stop.ts";
import { identityOf } from "../train/identity.ts";

export const command: Command = {
  arguments: [modelArgument],
  options: probeOptions,
  examples: [
    ["lmg probe model.lmg", "how large activations and gradients are at each residual edge"],
    ["lmg probe runs/x --data input.txt", "the same of trained weights; so of a published checkpoint"],
    ["lmg probe model.lmg --compare pre,post,none --depth 4,16,64", "the same for placements and depths"],
    [
      "lmg probe examples/depth.lmg --compare variant=pre,post,rezero --steps 300 --data input.txt -o study.html",
      "trains each, and draws what became of them",
    ],
  ],
  async run([path], asked: ProbeOptions, out) {
    const { model, options } = withTrained(path!, asked);
    // The tokenizer that a run brings is not one that was asked for.
    requireUse({ ...options, tokenizer: asked.tokenizer });
    const write = writerOf(options);
    const forms = formsOf(model, options);
    const study = new Study(path!, model, forms, options, out);
    const finished = study.finishedBefore();
    for (const form of forms) {
      await study.add(form, finished);
      await write?.(study);
    }
    const { probed, identities } = study;
    if (options.json === true) out.write(probedJson(probed, identities));
    else showProbed(probed, options.all === true, out);
    if (options.out !== undefined) out.note(`wrote ${options.out}\n`);
  },
};

/** A run or a published checkpoint stands for its model with its weights and its tokenizer. */
function withTrained(
  path: string,
  asked: ProbeOptions,
): { readonly model: string | Source; readonly options: ProbeOptions } {
  const { tokenizer, ...rest } = asked;
  const own = tokenizer === DEFAULT_TOKENIZER ? rest : asked;
  const { model, options } = withTrainedRun(
    path,
    own as Omit<ProbeOptions, "tokenizer"> & { tokenizer?: string },
  );
  return { model, options: { ...options, tokenizer: tokenizerFile(options.tokenizer) } };
}

/** A training takes the file of a tokenizer, where others take its folder too. */
const tokenizerFile = (given: string = DEFAULT_TOKENIZER): string =>
  kindOfPath(given) === "folder" ? join(given, "tokenizer.json") : given;

/** The cases of a probe as they come. */
class Study {
  readonly #path: string;
  readonly #isTrained: boolean;
  readonly #options: ProbeOptions;
  readonly #out: Out;
  readonly #subjects: ReadonlyMap<Form, Subject>;
  readonly #cases: ProbedCase[] = [];

  /** Opens all forms, so that a mistake in the last one is told before the first is trained. */
  constructor(path: string, model: string | Source, forms: readonly Form[], options: ProbeOptions, out: Out) {
    this.#path = path;
    this.#isTrained = options.weights !== undefined;
    this.#options = options;
    this.#out = out;
    const quiet = { ...out, note: () => undefined };
    this.#subjects = new Map(
      forms.map((form, index) => [form, openSubject(model, form, options, index === 0 ? out : quiet)]),
    );
  }

  get #isTraining(): boolean {
    return this.#options.steps !== undefined;
  }

  /** What an interrupted study of the same kind had finished. */
  finishedBefore(): Finished {
    const { out } = this.#options;
    if (!this.#isTraining || out === undefined) return new Map();
    return readFinished(
      keptPath(out),
      new Set([...this.#subjects.keys()].map((form) => this.#identity(form))),
    );
  }

  /** Measures a form, and trains it if that was asked for. */
  async add(form: Form, finished: Finished): Promise<void> {
    const before = finished.get(this.#identity(form));
    const name = form.set.slice(this.#options.set?.length ?? 0).join(", ");
    if (before !== undefined) this.#out.note(`${name}: measured before\n`);
    else if (this.#isTraining) this.#out.note(`${name || this.#path}:\n`);
    this.#cases.push(before ?? (await this.#measure(this.#subjects.get(form)!)));
  }

  async #measure(subject: Subject): Promise<ProbedCase> {
    const measured = await measureSubject(subject);
    if (!this.#isTraining || subject.prepared === undefined) return measured.found;
    const { trainSubject } = await import("../probe/study.ts");
    return trainSubject(measured, subject.prepared, this.#out);
  }

  /** All that decides the numbers of a case; only those of trainings are kept. */
  #identity(form: Form): string {
    const { prepared } = this.#subjects.get(form)!;
    if (prepared === undefined) return "";
    return JSON.stringify(identityOf(prepared, trainOptionsOf(form, this.#options)));
  }

  /** Of the cases so far. */
  get identities(): readonly string[] {
    return this.#isTraining
      ? [...this.#subjects.keys()].slice(0, this.#cases.length).map((form) => this.#identity(form))
      : [];
  }

  /** The graphs of all cases, as they were lowered. */
  get models(): readonly Graph[] {
    return [...this.#subjects.values()].map(({ drawn }) => drawn);
  }

  get probed(): Probed {
    const [subject] = this.#subjects.values();
    const { settings, seed, graph } = subject!;
    return {
      title: `${graph.name.replace(/_train$/, "")}: what depth does to activations and gradients`,
      command: showCommandLine("probe", [this.#path], probeOptions, this.#options),
      settings: [
        ...settings,
        this.#isTrained ? (["weights", this.#options.weights!] as const) : (["seed", String(seed)] as const),
        ...trainingSettings(subject!, this.#isTraining),
      ],
      notes: [
        this.#isTrained ? trainedNote : linesNote,
        ...(this.#options.paths === true ? [pathsNote] : []),
      ],
      cases: this.#cases,
    };
  }
}

function trainingSettings(
  { prepared }: Subject,
  isTraining: boolean,
): readonly (readonly [string, string])[] {
  if (prepared === undefined || !isTraining) return [];
  const { settings } = prepared.training;
  const { name, options } = settings.schedule ?? { name: "constant", options: {} };
  const warmup = (options as Readonly<Record<string, unknown>>)["warmup"];
  return [
    ["optimizer", `${settings.optimizer.name}, learning rate ${settings.rate} for all`],
    [
      "schedule",
      `${name}${typeof warmup === "number" && warmup > 0 ? `, ${warmup} steps of warmup` : ", no warmup"}`,
    ],
    ["clip", settings.clip === undefined ? "none" : String(settings.clip)],
    ["training", `${settings.steps} steps of ${prepared.batch} rows`],
  ];
}

/** Writes what `-o` names, as each case comes; undefined without it. */
function writerOf({ out, steps }: ProbeOptions): ((study: Study) => Promise<void>) | undefined {
  if (out === undefined) return undefined;
  const extension = /\.(html|svg|json)$/.exec(out)?.[1];
  if (extension === undefined)
    return stop(
      "E866",
      `-o writes a report, a picture or numbers by its ending, found ${JSON.stringify(out)}`,
      "end it with .html, .svg or .json",
    );
  return async ({ probed, models, identities }) => {
    if (extension === "json" || steps !== undefined)
      writeOutput(keptPath(out), probedJson(probed, identities));
    if (extension === "json") return;
    const { probePicture, probeReport } = await import("../../report/probe.ts");
    writeOutput(out, extension === "svg" ? probePicture(probed) : probeReport(probed, models));
  };
}
