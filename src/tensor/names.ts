/**
 * Names of tensors in published checkpoints. This text is part of every emitted module too (scripts/embed.ts), so that a
 * checkpoint that fits on the command line fits there: it imports nothing.
 */

/** Tensors that published checkpoints carry and no model needs: causal masks, tables of positions, counts of batches. */
export const harmlessTensors: readonly RegExp[] = [
  /(^|\.)attn\.(masked_)?bias$/, // GPT-2, GPT-J
  /(^|\.)attention\.(masked_)?bias$/, // GPT-NeoX
  /(^|\.)rotary_emb\.inv_freq$/, // Llama, GPT-NeoX
  /(^|\.)position_ids$/, // BERT
  /(^|\.)num_batches_tracked$/, // torch.nn.BatchNorm
];

/**
 * Tensors of checkpoints that lmg makes weights of as it opens them, and an emitted module does not: what they are, and what to do. Tensors
 * that are a parameter's are none of them.
 */
export const otherForms: readonly (readonly [name: RegExp, what: string])[] = [
  [
    /\.(qweight|qzeros|g_idx)$/,
    "codes of GPTQ or AWQ; `lmg compile FOLDER --generate` writes what this module reads",
  ],
  [/_blocks$/, "codes of MXFP4; `lmg compile FOLDER --generate` writes what this module reads"],
  [/\.lora_[AB]\./, "a LoRA, which is to be merged into the weights before"],
  [
    /(^|\.)(embed_)?(vision|visual|audio|multi_?modal)\w*\./,
    "a model that sees or hears; `lmg compile FOLDER --generate` takes its text model",
  ],
  [
    /(^|\.)embed_positions\.weights?$/,
    "a table of positions that the model computes; pass it over with the option ignore",
  ],
];

/** What a parameter may be called: the norms of the first published checkpoints have a gamma and a beta. */
function spellings(parameter: string): string[] {
  const older = parameter.replace(/\.weight$/, ".gamma").replace(/\.bias$/, ".beta");
  return parameter === older ? [parameter] : [parameter, older];
}

/**
 * The name of a parameter's tensor among those of a checkpoint, from which a prefix is taken off, or in front of which
 * one is put; undefined if it has none.
 */
export function storedName(
  parameter: string,
  given: ReadonlyMap<string, unknown>,
  takenOff: string,
  putInFront: string,
): string | undefined {
  for (const name of spellings(parameter)) {
    const short = name.startsWith(putInFront) ? name.slice(putInFront.length) : name;
    for (const stored of [takenOff + name, short, name]) if (given.has(stored)) return stored;
  }
  return undefined;
}

/** How many parameters have a tensor of their own; 0 if two have the same. */
function countNamed(
  parameters: readonly string[],
  given: ReadonlyMap<string, unknown>,
  takenOff: string,
  putInFront: string,
): number {
  const used = new Set<string>();
  for (const parameter of parameters) {
    const stored = storedName(parameter, given, takenOff, putInFront);
    if (stored === undefined) continue;
    if (used.has(stored)) return 0;
    used.add(stored);
  }
  return used.size;
}

/** The prefixes that give one parameter a tensor, at most 64 of either kind: what is taken off, what is put in front. */
function prefixesOf(parameter: string, given: ReadonlyMap<string, unknown>): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (const name of spellings(parameter)) {
    for (const stored of given.keys())
      if (stored.endsWith("." + name) && found.length < 64) found.push([stored.slice(0, -name.length), ""]);
    for (let at = name.indexOf("."); at >= 0 && found.length < 128; at = name.indexOf(".", at + 1))
      if (given.has(name.slice(at + 1))) found.push(["", name.slice(0, at + 1)]);
  }
  return found;
}

/**
 * The prefixes, [taken off the checkpoint's names, put in front of them], by which every parameter has a tensor of its
 * own: one, or several, and then nobody knows which is meant. No prefix at all comes first; if no prefix does it, the
 * one that names most. One that the caller names is taken off or put in front, whichever names more; none if it does
 * neither.
 */
export function prefixesFor(
  parameters: readonly string[],
  given: ReadonlyMap<string, unknown>,
  prefix: string | undefined,
): (readonly [takenOff: string, putInFront: string])[] {
  const count = (takenOff: string, putInFront: string): number =>
    countNamed(parameters, given, takenOff, putInFront);
  if (prefix !== undefined) {
    const isTaken = [...given.keys()].some((name) => name.startsWith(prefix));
    if (!isTaken && !parameters.some((name) => name.startsWith(prefix))) return [];
    return count("", prefix) > count(prefix, "") ? [["", prefix]] : [[prefix, ""]];
  }
  let best: readonly [string, string] = ["", ""];
  let most = count("", "");
  if (most === parameters.length) return [best];
  const missing = parameters.filter((parameter) => storedName(parameter, given, "", "") === undefined);
  // What names all of them names the first that any prefix names.
  const first = missing.slice(0, 64).find((parameter) => prefixesOf(parameter, given).length > 0);
  const whole: (readonly [string, string])[] = [];
  for (const [takenOff, putInFront] of first === undefined ? [] : prefixesOf(first, given)) {
    const named = count(takenOff, putInFront);
    if (named === parameters.length) whole.push([takenOff, putInFront]);
    else if (named > most) {
      best = [takenOff, putInFront];
      most = named;
    }
  }
  return whole.length > 0 ? whole : [best];
}
