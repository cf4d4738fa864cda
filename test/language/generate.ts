import fc from "fast-check";

/*
 * Random programs that parse. They are texts with marks: `‹` where blanks, line ends and comments may stand (within
 * brackets), `›` where a line may end in a statement, and blanks elsewhere; `program` replaces the marks at random.
 */

const name = fc.constantFrom("a", "b", "x", "norm", "h", "config", "train", "_", "scale");
const label = fc.constantFrom("a", "l.0.b", "out", "if.dense", "residual", "0", "attn");
const number = fc.constantFrom("0", "1", "2.5", "1e-5", "12");

const list = (items: fc.Arbitrary<string>, min: number): fc.Arbitrary<string> =>
  fc.tuple(fc.array(items, { minLength: min, maxLength: 3 }), fc.boolean()).map(([parts, comma]) => {
    return `‹${parts.join("‹,‹")}${comma && parts.length > 0 ? "‹,‹" : ""}‹`;
  });

type Trees = Record<"operand" | "expression" | "chain" | "call" | "layer" | "statement" | "body", string>;

const operator = fc.constantFrom("+", "-", "*", "/", "^", "%", "and", "or");

const trees = fc.letrec<Trees>((tie) => ({
  operand: fc.oneof(
    { maxDepth: 3, depthIdentifier: "tree" },
    number,
    tie("call"),
    tie("call").map((call) => `-${call}`),
    list(tie("chain"), 1).map((items) => `(${items})`),
    list(tie("expression"), 0).map((items) => `[${items}]`),
    fc.tuple(tie("expression"), tie("operand")).map(([item, count]) => `[‹${item}›for i in›1..‹${count}‹]`),
    fc.constantFrom('"text // {x} \\" \\{"', '""'),
  ),
  expression: fc.oneof(
    { maxDepth: 3, depthIdentifier: "tree" },
    tie("operand"),
    fc.tuple(tie("operand"), operator, tie("operand")).map(([a, sign, b]) => `${a} ${sign}›${b}`),
    fc.tuple(tie("operand"), tie("operand"), tie("operand")).map(([a, b, c]) => `${a} if ${b}›else ${c}`),
    fc.tuple(tie("operand"), tie("operand")).map(([a, b]) => `${a} <= not_so(${b})`),
  ),
  call: fc.oneof(
    { maxDepth: 3, depthIdentifier: "tree" },
    name,
    fc
      .tuple(
        name,
        list(
          fc.oneof(
            tie("expression"),
            tie("expression").map((value) => `eps:‹${value}`),
          ),
          0,
        ),
      )
      .map(([callee, given]) => `${callee}(${given})`),
    fc.tuple(name, tie("expression")).map(([root, index]) => `${root}[‹${index}‹].field`),
  ),
  layer: fc.oneof(
    tie("call"),
    fc.tuple(label, tie("call")).map(([at, call]) => `${at}:›${call}`),
  ),
  chain: fc
    .tuple(fc.oneof(tie("expression"), tie("layer")), fc.array(tie("layer"), { maxLength: 3 }), fc.boolean())
    .map(([head, steps, tap]) => [tap ? `${head} as y` : head, ...steps].join("›->›")),
  statement: fc.oneof(
    { maxDepth: 3, depthIdentifier: "tree" },
    tie("chain").filter((chain) => !chain.startsWith("-")),
    tie("chain").map((chain) => `y =›${chain}`),
    tie("chain").map((chain) => `(a, _) =›${chain}`),
    tie("expression").map((value) => `let n =›${value}`),
    tie("operand").map((value) => `input x: f32[‹..,‹T <= ${value}‹] =›none`),
    tie("expression").map((value) => `assert ${value},›"no {x}"`),
    fc
      .tuple(tie("layer"), tie("chain"), tie("body"))
      .map(([norm, gain, body]) => `residual pre ${norm} *›2,›skip ${gain},›from x {${body}} as z`),
    fc
      .tuple(tie("expression"), tie("body"), tie("body"))
      .map(([c, a, b]) => `if ${c} {${a}}›else if ${c} {${b}}›else {${a}}`),
    fc.tuple(tie("operand"), tie("body")).map(([count, body]) => `repeat 1..${count} as h[i] {${body}}`),
    fc.tuple(tie("operand"), tie("body")).map(([count, body]) => `repeat ${count} shared [k] {${body}}`),
    fc
      .tuple(tie("operand"), tie("body"))
      .map(([count, body]) => `repeat ${count} checkpoint as h[i] {${body}}`),
    tie("body").map((body) => `parallel {${body}}`),
    fc.tuple(tie("expression"), tie("body")).map(([c, body]) => `residual init ${c} {${body}}`),
    fc.constantFrom("allow unread_tap", "allow a,›b"),
    tie("chain").map((chain) => `train {§loss ${chain}§;§clip 1.0§}`),
    fc.tuple(tie("expression"), tie("call")).map(([value, call]) => {
      const lines = `rate "h.*",›"{x}" 1 +›${value}§;§after step ${call} "h.*"`;
      return `train {§if ${value} {§${lines}§}›else {§eps "a" 2§}§}`;
    }),
  ),
  body: fc.array(tie("statement"), { maxLength: 3 }).map((statements) => `§${statements.join("§;§")}§`),
}));

const definition = fc
  .tuple(
    fc.constantFrom("model", "block"),
    list(fc.constantFrom<string>("a = 1", "b: int", "c: in | out = in"), 0),
    trees.body,
  )
  .map(([kind, parameters, body]) => `${kind} m(${parameters}) {${body}}`);

const gaps: Readonly<Record<string, readonly string[]>> = {
  "‹": ["", "", " ", "\n", "  // some remark\n", "\n  // own line\n\n"],
  "›": [" ", "  ", "\n", " // some remark\n", "\n\n  // own line\n  "],
  "§": ["\n", "\n\n\n", " // some remark\n", "\n// own line\n", "\n\n // a\n\n // b\n"],
};

/** A text that parses, laid out as nobody would. */
export const program: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(definition, { minLength: 1, maxLength: 2 }),
    fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 20 }),
  )
  .map(([definitions, choices]) => {
    let at = 0;
    const pick = (mark: string): string => {
      const options = gaps[mark]!;
      return options[choices[at++ % choices.length]! % options.length]!;
    };
    const text = definitions.join("§;§").replaceAll("§;§", "\u0001");
    const oneLine = choices[0]! % 2 === 0;
    return text
      .replaceAll("\u0001", oneLine ? " ; " : "\n")
      .replaceAll("§", (mark) => (oneLine ? " " : pick(mark)))
      .replaceAll(/[‹›]/g, (mark) => pick(mark));
  });
