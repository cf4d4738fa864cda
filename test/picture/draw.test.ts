import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, lmg, lmgReading, mistake, output, put, tinyModel } from "../cli/harness.ts";
import { broken } from "./rules.ts";
import type { Scene } from "../../src/picture/scene.ts";
import { loweredPicture, pictureOf } from "./pictures.ts";

inFolder({
  "tiny.lmg": tinyModel,
});

test("`draw` writes a picture that stands alone, whole or not at all", async () => {
  expect(await output("draw", "tiny.lmg")).toMatch(
    /^wrote tiny\.svg \(.* kB\): 2 residual edges, 2 with the add fused\n$/,
  );
  const svg = readFileSync("tiny.svg", "utf8");
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>\n$/);
  expect(svg).not.toMatch(/href|url\(|<script/);
  expect(await output("draw", "tiny.lmg", "-o", "-")).toBe(svg);
  const { notes, code } = await lmg("draw", "tiny.lmg", "-o", "missing/tiny.svg");
  expect(code).toBe(1);
  expect(notes).toContain("missing/tiny.svg");
  expect(existsSync("missing")).toBe(false);
});

test("a pill says what multiplies its norm", () => {
  const edge = "residual pre ln: rmsnorm * (1 / sqrt(3)) { mlp: linear(8) }";
  const { svg } = pictureOf(`model m {\n  input x: f32[B, T, 8]\n  ${edge}\n  output y\n}\n`);
  expect(svg).toContain(">rmsnorm ×0.577</text>");
  expect(svg).toContain("pre rmsnorm: ln, times 0.5773502691896258");
});

test("`draw` reads standard input, and opens what it is asked to", async () => {
  const { text } = await lmgReading(tinyModel, "draw", "-", "-o", "-");
  expect(text).toContain('data-file="&lt;stdin&gt;"');
  put("attention.lmg", "model m {\n  input x: f32[B, T, 8]\n  residual { attn: attention(2) }\n}\n");
  expect(await output("draw", "attention.lmg", "--open", "attn", "-o", "-")).toContain("q_proj");
});

test("an unknown call to open is a mistake with a way forward", async () => {
  expect(await mistake("draw", "tiny.lmg", "--open", "liner")).toContain("did you mean linear?");
});

test("each mark that stands for a text says its line, and can be come to by the keyboard", async () => {
  const svg = await output("draw", "tiny.lmg", "-o", "-");
  const marks = [...svg.matchAll(/<g class="(\w+)[^"]*" tabindex="0" role="button"[^>]*data-line="(\d+)"/g)];
  expect(marks.length).toBeGreaterThan(5);
});

test("an add that is fused with nothing is drawn as such, and the picture says why", () => {
  const { scene } = pictureOf(
    "model alone {\n  input x: f32[B, 4]\n  residual { a: linear(4) }\n  output y: f32[B, 4]\n}\n",
  );
  const [join] = scene.marks.flatMap((mark) => (mark.kind === "join" ? [mark] : []));
  expect(join!.hover).toMatch(/not fused|fused into/);
});

test("what is read by later edges and carried by none stands beside the line, by dataflow", () => {
  const { scene } = pictureOf(
    "model m {\n  input x: f32[B, 4]\n  n = x -> ln: layernorm\n  residual { n -> a: linear(4) }\n  residual { n -> b: linear(4) }\n  output y: f32[B, 4]\n}\n",
  );
  const line = scene.marks.find((mark) => mark.kind === "path" && mark.role === "line");
  const norm = scene.marks.find((mark) => mark.kind === "box" && mark.name === "layernorm");
  if (line?.kind !== "path" || norm?.kind !== "box") throw new Error("there is no line or no norm");
  expect(norm.x).toBeGreaterThan(line.points[0]!.x);
  expect(scene.marks.filter((mark) => mark.kind === "path" && mark.role === "lane")).toHaveLength(1);
});

test("two models in one picture: an encoder is a line of its own, at the left of the decoder", () => {
  const { graph, scene } = pictureOf(
    "model m {\n  input a: f32[B, S, 8]\n  input b: f32[B, T, 8]\n  a\n  repeat 3 as enc { residual { up: linear(8) } }\n  memory = stream\n  b\n  repeat 2 as dec { residual pre n: layernorm { x = stream ; x + (memory -> mean(axis: 1, keep: true)) } }\n  output y: f32[B, T, 8]\n}\n",
  );
  expect(broken(graph, scene)).toStrictEqual([]);
  expect(scene.marks.filter((mark) => mark.kind === "path" && mark.role === "line")).toHaveLength(2);
});

const boxesOf = (scene: Scene): readonly string[] =>
  scene.marks
    .flatMap((mark) => (mark.kind === "box" ? [mark] : []))
    .toSorted((a, b) => a.y - b.y)
    .map(({ name }) => name);

test("what nobody reads stands in the order of the text", () => {
  const { graph, scene } = loweredPicture(
    "model m {\n  input x: f32[B, 8]\n  base: linear(8)\n  a = stream -> tanh\n  b = stream -> relu\n" +
      "  c = stream -> gelu\n  stream -> silu -> head: linear(8)\n  output a\n  output b\n  output c\n  output y\n}\n",
  );
  expect(broken(graph, scene)).toEqual([]);
  expect(boxesOf(scene)).toEqual(["linear", "tanh", "relu", "gelu", "silu", "linear"]);
});

test.each([
  [
    "of what only layers read, behind that of the line",
    "  input the_tokens_of_a_long_sentence_to_read: f32[B, T, 8]\n  input a_mask_with_a_long_name: f32[B, T, 8]\n" +
      "  repeat 2 as h { residual { mlp: linear(8); stream * a_mask_with_a_long_name } }\n",
  ],
  [
    "beside each other",
    "  input the_tokens_of_a_long_sentence_to_read: f32[B, S, 8]\n  input the_tokens_of_a_long_sentence_to_write: f32[B, T, 8]\n" +
      "  input a_mask_with_a_long_name: bool[B, T]\n" +
      "  repeat 2 as e { residual { mlp: linear(8) } }\n  stream -> ln: layernorm as memory\n" +
      "  the_tokens_of_a_long_sentence_to_write -> in: linear(8)\n" +
      "  repeat 2 as d { residual { mlp: linear(8) } }\n  stream + (memory -> mean(axis: 1, keep: true))\n" +
      "  stream + (a_mask_with_a_long_name -> cast(f32) -> unsqueeze(2))\n",
  ],
])("long names of inputs and outputs cover nothing: %s", (_, body) => {
  const { graph, scene } = loweredPicture(`model m {\n${body}  output a_rather_long_name_of_an_output\n}\n`);
  expect(broken(graph, scene)).toEqual([]);
});

test("of many iterations that differ some are named, and hovering names all", () => {
  const { scene } = loweredPicture(
    "model m {\n  input x: f32[B, 8]\n  repeat 12 as h[i] { if i % 2 == 1 { tanh }; residual { mlp: linear(8) } }\n  output y\n}\n",
  );
  const [frame] = scene.marks.flatMap((mark) => (mark.kind === "frame" ? [mark] : []));
  expect(frame!.note).toMatch(/^\[0, 2, …, 10\] have less$/);
  expect(frame!.hover).toContain("[0, 2, 4, 6, 8, 10] have less");
});
