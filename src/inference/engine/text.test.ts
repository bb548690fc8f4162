// Streams of text: nothing half a character, nothing of a stop string, and every token's text once.
import { describe, expect, test } from "bun:test";
import { isEspalierError } from "../../kit/errors.ts";
import { uniform as seededUniform } from "../../kit/random.ts";
import { argmax, createSampler } from "./sampler.ts";
import { createModelText, type ModelText, TextStream } from "./text.ts";

/** Byte-level tokens, one for each of the 256 bytes, as GPT-2 names them. */
function byteTokenizer(template: string | null): ModelText {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  const vocab: Record<string, number> = {};
  for (let b = 0; b < 256; b++) vocab[String.fromCodePoint(printable(b) ? b : next++)] = b;
  return createModelText(
    {
      tokenizerJson: {
        added_tokens: [{ id: 256, content: "<|im_end|>", special: true, normalized: false }],
        normalizer: null,
        pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: false },
        post_processor: null,
        decoder: { type: "ByteLevel" },
        model: { type: "BPE", vocab: { ...vocab, "<|im_end|>": 256 }, merges: [] },
      },
      tokenizerConfig: { eos_token: "<|im_end|>" },
      chatTemplate: template,
    },
    [],
  );
}

function streamed(text: ModelText, value: string, stops: string[] = []): { deltas: string[]; all: string } {
  const stream = new TextStream(text, stops);
  const deltas: string[] = [];
  for (const id of text.encode(value)) {
    const delta = stream.push(id);
    if (delta) deltas.push(delta);
    if (stream.isStopped) break;
  }
  const rest = stream.flush();
  if (rest) deltas.push(rest);
  return { deltas, all: deltas.join("") };
}

describe("TextStream", () => {
  const text = byteTokenizer(null);

  test("characters of several bytes come whole", () => {
    const value = "aé日😀 end ./x  y";
    const { deltas, all } = streamed(text, value);
    expect(all).toBe(value);
    for (const delta of deltas) expect(delta).not.toContain("\uFFFD");
    expect(deltas).toContain("😀");
  });

  test("a cut character at the end is shown as what it is, not lost silently", () => {
    const stream = new TextStream(text, []);
    expect(stream.push(0xf0)).toBe("");
    expect(stream.flush()).toBe("\uFFFD");
  });

  test("a stop string is held back while it may come, and let go when it does not", () => {
    expect(streamed(text, "one END two", ["END"]).all).toBe("one ");
    const { deltas, all } = streamed(text, "one ENough", ["END"]);
    expect(all).toBe("one ENough");
    expect(deltas).not.toContain("E");
    expect(streamed(text, "one EN", ["END"]).all).toBe("one EN");
  });

  test("the earliest of two stop strings wins", () => {
    expect(streamed(text, "a\n\nb END", ["END", "\n\n"]).all).toBe("a");
  });
});

describe("rows", () => {
  const turns = [
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
    { role: "user", content: "c" },
    { role: "assistant", content: "d" },
  ];
  const marked = (template: string, messages = turns) => {
    const row = byteTokenizer(template).renderRow(messages, false);
    expect(row.pieces.join("")).toBe(row.text);
    return row.pieces.map((piece, i) => (row.isTarget[i] ? piece.toUpperCase() : piece)).join("");
  };

  test("a template that writes earlier turns in another way is met by their words", () => {
    const template =
      "{% for m in messages %}[{{ m.role }}]{% if loop.last and m.role == 'assistant' %}(hm){% endif %}{{ m.content }}{% endfor %}";
    expect(marked(`{{ messages | length }}${template}`)).toBe("4[user]a[assistant]B[user]c[assistant](hm)D");
    const withPrompt = `${template}{% if add_generation_prompt %}[assistant]{% endif %}`;
    expect(marked(withPrompt)).toBe("[user]a[assistant]B[user]c[assistant](HM)D");
    // An answer that occurs in the frame around it is not taken for the frame.
    expect(marked(template, [{ role: "assistant", content: "s" }])).toBe("[assistant](hm)S");
  });

  test("a template that hides a turn is refused by name", () => {
    const template = "{% for m in messages %}{% if loop.last %}{{ m.content }}{% endif %}{% endfor %}";
    let code = "";
    try {
      marked(template);
    } catch (error) {
      code = isEspalierError(error) ? error.code : String(error);
    }
    expect(code).toBe("TEMPLATE_HIDES_TURN");
  });

  test("the end-of-turn token counts for the loss, the line break after it does not", () => {
    const text = byteTokenizer(
      "{% for m in messages %}[{{ m.role }}]{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}",
    );
    const row = text.renderRow(
      [
        { role: "user", content: "hi" },
        { role: "assistant", content: "yo" },
      ],
      false,
    );
    expect(row.pieces.filter((_, i) => row.isTarget[i]).join("")).toBe("yo<|im_end|>");
    expect(row.ids.filter((id) => id === 256)).toHaveLength(2);
    expect(text.eosIds.has(256)).toBe(true);
  });

  test("a model without a template still renders a conversation", () => {
    const ids = byteTokenizer(null).encodeChat([{ role: "user", content: "hi" }], true);
    expect(byteTokenizer(null).decode(ids)).toBe("user: hi\nassistant:");
  });
});

describe("sampling", () => {
  const logits = Float32Array.of(1, 3, 2, -50, 2.9);

  test("temperature 0 is the largest, the first of equals", () => {
    expect(createSampler({ temperature: 0, topP: 1, topK: 0, seed: 1 })(logits)).toBe(1);
    expect(argmax(Float32Array.of(2, 5, 5))).toBe(1);
  });

  test("top-k and top-p leave out what they say", () => {
    const draw = (options: { topK?: number; topP?: number }) => {
      const sample = createSampler({ temperature: 1, topP: 1, topK: 0, seed: 4, ...options });
      return new Set(Array.from({ length: 400 }, () => sample(logits)));
    };
    expect(draw({ topK: 2 })).toEqual(new Set([1, 4]));
    expect(draw({ topK: 1 })).toEqual(new Set([1]));
    expect(draw({ topP: 0.01 })).toEqual(new Set([1]));
    expect(draw({ topK: 3, topP: 0.6 })).toEqual(new Set([1, 4]));
    expect(draw({ topP: 0.9 })).toEqual(new Set([1, 2, 4]));
    expect(draw({}).has(3)).toBe(false);
    expect(draw({}).size).toBe(4);
  });

  test("draws follow the distribution", () => {
    const sample = createSampler({ temperature: 1, topP: 1, topK: 0, seed: 9 });
    const pair = Float32Array.of(Math.log(3), 0);
    const firsts = Array.from({ length: 4000 }, () => sample(pair)).filter((id) => id === 0).length;
    expect(firsts / 4000).toBeCloseTo(0.75, 1);
  });

  test("the generator is uniform on [0, 1) and repeats by seed", () => {
    const [a, b] = [seededUniform(3), seededUniform(3)];
    const values = Array.from({ length: 2000 }, a);
    expect(Array.from({ length: 2000 }, b)).toEqual(values);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(values.reduce((sum, value) => sum + value, 0) / 2000).toBeCloseTo(0.5, 1);
  });
});
