import type { Token } from "../language/tokens.ts";
import type { TextMeaning } from "../lower/names/observe.ts";
import { smallest as leastOf } from "../support/lists.ts";
import type { Source, Span } from "../support/source.ts";
import { liesIn, type Analysis, type Told } from "./analyze.ts";

/** What is asked of a place in the text: offsets are in UTF-16 code units, as those of spans. */

/** The token at an offset, or the one that ends there; comments and line ends are none. */
export function tokenAt({ tokens }: Pick<Analysis, "tokens">, offset: number): Token | undefined {
  const touching = tokens.filter(
    ({ kind, start, end }) => start <= offset && offset <= end && kind !== "newline" && kind !== "comment",
  );
  return touching.find(isNaming) ?? touching.find(({ start }) => start === offset) ?? touching[0];
}

const isNaming = ({ kind }: Token): boolean => kind === "word";

/** Whether an offset lies in a comment or in a text: nothing is completed there. */
export const isProse = ({ tokens }: Pick<Analysis, "tokens">, offset: number): boolean =>
  tokens.some(
    ({ kind, start, end }) =>
      (kind === "comment" && start < offset && offset <= end) ||
      (kind === "text" && start < offset && offset < end),
  );

export const covers = (
  { start, end }: Pick<Span, "start" | "end">,
  token: Pick<Token, "start" | "end">,
): boolean => start <= token.start && token.end <= end;

export type KindOf<K extends TextMeaning["kind"]> = Extract<TextMeaning, { readonly kind: K }>;

/** What was told of a text under a kind. */
export const toldAs = <K extends TextMeaning["kind"]>(
  { told }: Pick<Analysis, "told">,
  source: Source,
  ...kinds: readonly K[]
): readonly Told<KindOf<K>>[] =>
  told.filter(
    (one): one is Told<KindOf<K>> =>
      liesIn(one.span, source) && (kinds as readonly string[]).includes(one.meaning.kind),
  );

/** Those with the smallest span around a token. */
export function smallest<T extends Told>(all: readonly T[], token: Token): readonly T[] {
  const around = all.filter(({ span }) => covers(span, token));
  const least = leastOf(around.map(({ span }) => span.end - span.start));
  return around.filter(({ span }) => span.end - span.start === least);
}

/** A place in one of several texts, as a key of a map. */
export const keyOf = ({ source, start, end }: Span): string => `${source.name}:${start}:${end}`;
