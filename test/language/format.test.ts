import { describe, expect, test } from "vitest";
import { format } from "../../src/language/format.ts";

/** The text formatted; once more changes nothing. */
function formatted(text: string): string {
  const once = format({ name: "m", text }).text;
  expect(format({ name: "m", text: once }).text).toBe(once);
  return once;
}

/** A statement formatted, in a model of its own. */
const statement = (text: string): string =>
  formatted(`model m {\n${text}\n}\n`)
    .replace(/^model m \{\n|\}\n$/g, "")
    .replaceAll(/^ {2}/gm, "");

describe("blanks", () => {
  test.each([
    ["x->f( a,b : 2 )->l . 0 . g", "x -> f(a, b: 2) -> l.0.g"],
    ["y=-a+b*-c^ - 2-(- d)", "y = -a + b * -c ^ -2 - (-d)"],
    ["let n=not a==b and-c<d", "let n = not a == b and -c < d"],
    ["repeat 2 .. n-1 as h [ i ]{x[ i ].y}", "repeat 2..n - 1 as h[i] { x[i].y }"],
    ["repeat (n) shared[k]{f}", "repeat (n) shared [k] { f }"],
    ["repeat (n)checkpoint shared[k]{f}", "repeat (n) checkpoint shared [k] { f }"],
    ["repeat n checkpoint as h[i]{f}", "repeat n checkpoint as h[i] { f }"],
    ["input x:f32 [ .. ,T<=ctx ]=none", "input x: f32[.., T <= ctx] = none"],
    ["residual skip(a) ,branch - 2,from(b){f}as y", "residual skip (a), branch -2, from (b) { f } as y"],
    ["residual init(2*n)^ -0.5,pre l : n{f}", "residual init (2 * n) ^ -0.5, pre l: n { f }"],
    ["allow a ,b;allow (c)", "allow a, b; allow(c)"],
    ["loss (a); residual.skip (b); if: f", "loss(a); residual.skip(b); if: f"],
    ["train{loss(a,b)->ce;clip - 1}", "train { loss (a, b) -> ce; clip -1 }"],
    ["if(a){b}else if(c){d}else{e}", "if (a) { b } else if (c) { d } else { e }"],
    ['assert a,"b {c+1}  d"', 'assert a, "b {c+1}  d"'],
    ["(a,b)=(c,)", "(a, b) = (c,)"],
    ["parallel{}", "parallel {}"],
    ['"{a}.b" :f->"" : g(1)', '"{a}.b": f -> "": g(1)'],
    ['repeat n as "{h}.l" [ i ]{f}', 'repeat n as "{h}.l"[i] { f }'],
    ["let n=a in[ 1,2 ]and not(b in c)", "let n = a in [1, 2] and not (b in c)"],
    ["config{like  decoder_keys;a = b}", "config { like decoder_keys; a = b }"],
    ["let k=[ i*2 for i in 1 .. n ]", "let k = [i * 2 for i in 1..n]"],
    ["x as y:[B]->f as z", "x as y: [B] -> f as z"],
  ])("%s", (text, expected) => {
    expect(statement(text)).toBe(`${expected}\n`);
  });
});

describe("lines", () => {
  test("a body stays on its line if it fits, and opens with all bodies of its statement if not", () => {
    expect(
      statement(
        "if a { b; c } else { d }\nif a { b } else {\nd }\nresidual pre input_layernorm: rmsnorm(eps: 1e-6), branch 0.22 { self_attn: attention(heads, kv_heads) }",
      ),
    ).toMatchInlineSnapshot(`
      "if a { b; c } else { d }
      if a {
        b
      } else {
        d
      }
      residual pre input_layernorm: rmsnorm(eps: 1e-6), branch 0.22 {
        self_attn: attention(heads, kv_heads)
      }
      "
    `);
  });

  test("a chain that is too long starts a line with each arrow", () => {
    expect(
      statement(
        "model.embed_tokens: embedding(vocab, dim) -> unsqueeze(2) -> expand(2, n) -> normalize_all_of_it as lanes: f32[B, T]",
      ),
    ).toMatchInlineSnapshot(`
      "model.embed_tokens: embedding(vocab, dim)
        -> unsqueeze(2)
        -> expand(2, n)
        -> normalize_all_of_it as lanes: f32[B, T]
      "
    `);
  });

  test("arguments that are too long fill lines of their own", () => {
    expect(
      statement(
        "self_attn: attention(heads, kv_heads, head_dim, rope: rope(theta), bias: false, softcap: 50.0, window: sliding if local else none)",
      ),
    ).toMatchInlineSnapshot(`
      "self_attn: attention(
        heads, kv_heads, head_dim, rope: rope(theta), bias: false, softcap: 50.0,
        window: sliding if local else none
      )
      "
    `);
  });

  test("keys that change nothing fill lines", () => {
    expect(
      statement(
        'config for "mine" { neutral a_first_key_that_changes_nothing, a_second_one = none | 0, another_key_that_changes_nothing, the_last_one }',
      ),
    ).toMatchInlineSnapshot(`
      "config for "mine" {
        neutral a_first_key_that_changes_nothing, a_second_one = none | 0,
                another_key_that_changes_nothing, the_last_one
      }
      "
    `);
  });

  test("clauses that are too long stand below one another", () => {
    expect(
      statement(
        "residual pre input_layernorm: rmsnorm(eps: 1e-6), out post_attention_layernorm: rmsnorm(eps: 1e-6), skip alpha { f }",
      ),
    ).toMatchInlineSnapshot(`
      "residual pre input_layernorm: rmsnorm(eps: 1e-6),
               out post_attention_layernorm: rmsnorm(eps: 1e-6),
               skip alpha {
        f
      }
      "
    `);
  });

  test("sums break behind the operators that hold loosest, choices before else", () => {
    expect(
      statement(
        "s = first_number_of_all * second_number_of_all + third_number_of_all * fourth_number_of_all + last_number_of_all\nlet t = first_number_of_all * second_number_of_all if third_number_of_all == fourth_number_of_all else last_number_of_all",
      ),
    ).toMatchInlineSnapshot(`
      "s = first_number_of_all * second_number_of_all + third_number_of_all * fourth_number_of_all +
        last_number_of_all
      let t = first_number_of_all * second_number_of_all if third_number_of_all == fourth_number_of_all
        else last_number_of_all
      "
    `);
  });

  test("more blank lines are one, and none stands at the start or the end of a body", () => {
    expect(formatted("\n\n// a\n\n\n\nmodel m {\n\n  x\n\n\n  y\n\n}\n\n\n")).toBe(
      "// a\n\nmodel m {\n  x\n\n  y\n}\n",
    );
  });
});

test("comments keep their place", () => {
  expect(
    formatted(
      [
        "model m( // first",
        "a=1,// one",
        "// own",
        "b = 2 // two",
        ", c = 3) // after",
        "{ // body",
        "",
        "  x  // behind the value",
        "    // before the arrow",
        "    -> f // behind the chain",
        "  y = a + // plus",
        "  // above b",
        "  b",
        "  if c { d } // then",
        "  // or",
        "  else { e; f } // end of all",
        "  g( // nothing",
        "  )",
        "  //last",
        "}",
        "// after the model",
      ].join("\n"),
    ),
  ).toMatchInlineSnapshot(`
    "model m( // first
      a = 1, // one
      // own
      b = 2, // two
      c = 3
    ) // after
    { // body
      x // behind the value
        // before the arrow
        -> f // behind the chain
      y = a + // plus
        // above b
        b
      if c {
        d
      } // then
      // or
      else {
        e
        f
      } // end of all
      g( // nothing
      )
      //last
    }
    // after the model
    "
  `);
});

test("a comment before a clause changes nothing in it", () => {
  const edge = [
    "model m {",
    "  residual pre b: layernorm, // why",
    "           branch (g: scale([1]) -> tanh), // more",
    "           skip -x {",
    "    fc: linear(8)",
    "  }",
    "}",
    "",
  ].join("\n");
  expect(formatted(edge)).toBe(edge);
});

describe("a text comes back as it is", () => {
  test("if it has mistakes", () => {
    const text = "model m {\n   x  =>  y\n}";
    const { text: after, diagnostics } = format({ name: "m", text });
    expect([after, diagnostics.map(({ code }) => code)]).toEqual([text, ["E120"]]);
  });

  test("if there is nothing in it", () => {
    expect([formatted(""), formatted("\n \n")]).toEqual(["", ""]);
  });
});
