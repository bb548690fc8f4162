// Chooses the way to ONNX Runtime: its C API first, onnxruntime-node where that is not open.
import { messageOf } from "../../kit/errors.ts";
import type { Decoder, DecoderShape, EngineRuntime } from "./decoder.ts";
import { openNodeDecoder } from "./decoder-node.ts";
import { openOrtDecoder } from "./decoder-ort.ts";

/** A decoder without a graph yet. `log` is told when the C API was not usable. */
export async function openDecoder(
  shape: DecoderShape,
  runtime: EngineRuntime,
  log: (line: string) => void,
): Promise<Decoder> {
  if (runtime === "auto")
    try {
      return openOrtDecoder(shape);
    } catch (error) {
      log(`ONNX Runtime's C API is not usable, onnxruntime-node serves instead: ${messageOf(error)}`);
    }
  return openNodeDecoder(shape);
}
