// Joins the matrices that read the same input into one, so that a step runs fewer and larger multiplications.
import type { WeightTensor } from "../weights/weights.ts";

/** What is joined in each layer, in the order of its rows, and the name of the whole. */
export const PACKED = [
  { path: "self_attn", name: "qkv_proj", parts: ["q_proj", "k_proj", "v_proj"] },
  { path: "mlp", name: "gate_up_proj", parts: ["gate_proj", "up_proj"] },
] as const;

/** One tensor of the rows of several, which have the same type and columns. */
function stacked(name: string, parts: readonly WeightTensor[]): WeightTensor | null {
  const [first] = parts;
  if (!first || parts.some(({ dtype, shape }) => dtype !== first.dtype || shape[1] !== first.shape[1]))
    return null;
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  /** Reads each part's share of the rows from `start` on. A vector is always read whole. */
  async function pieces<T>(
    start: number,
    count: number,
    read: (part: WeightTensor, start: number, count: number) => Promise<T>,
  ): Promise<T[]> {
    const found: T[] = [];
    let before = 0;
    for (const part of parts) {
      const size = part.shape[0] ?? 0;
      const from = Math.max(0, start - before);
      const to = Math.min(size, start + count - before);
      if (from < to) found.push(await read(part, from, to - from));
      before += size;
    }
    return found;
  }
  const isVector = first.shape.length === 1;
  return {
    ...first,
    name,
    shape: [rows, ...first.shape.slice(1)],
    byteLength: parts.reduce((sum, part) => sum + part.byteLength, 0),
    read: async (start = 0, count = rows) =>
      Buffer.concat(
        await pieces(isVector ? 0 : start, isVector ? rows : count, (part, from, length) =>
          isVector ? part.read() : part.read(from, length),
        ),
      ),
    async readFloat32(start = 0, count = rows) {
      const all = await pieces(isVector ? 0 : start, isVector ? rows : count, (part, from, length) =>
        isVector ? part.readFloat32() : part.readFloat32(from, length),
      );
      const out = new Float32Array(all.reduce((sum, one) => sum + one.length, 0));
      let at = 0;
      for (const one of all) {
        out.set(one, at);
        at += one.length;
      }
      return out;
    },
  };
}

/** The tensors with what can be joined joined; a layer whose matrices differ in type keeps them apart. */
export function packTensors(tensors: readonly WeightTensor[], layers: number): WeightTensor[] {
  const left = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  for (let layer = 0; layer < layers; layer++)
    for (const { path, name, parts } of PACKED) {
      const at = `model.layers.${layer}.${path}`;
      const of = (kind: "weight" | "bias") =>
        parts.flatMap((part) => left.get(`${at}.${part}.${kind}`) ?? []);
      const [weights, biases] = [of("weight"), of("bias")];
      if (weights.length !== parts.length || (biases.length > 0 && biases.length !== parts.length)) continue;
      const whole = stacked(`${at}.${name}.weight`, weights);
      const bias = biases.length > 0 ? stacked(`${at}.${name}.bias`, biases) : null;
      if (!whole || (biases.length > 0 && !bias)) continue;
      for (const part of [...weights, ...biases]) left.delete(part.name);
      for (const one of [whole, bias]) if (one) left.set(one.name, one);
    }
  return [...left.values()];
}
