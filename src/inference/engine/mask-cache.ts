// The masks of the schemas that replies were held to lately: the next reply finds them made.
import { TokenMasks, type TokenTable } from "./constraint.ts";
import { GrammarMachine } from "./grammar.ts";
import { jsonGrammar } from "./json-grammar.ts";

const MOST = 4;

export class MaskCache {
  /** By schema, in order of last use. */
  private readonly known = new Map<string, TokenMasks>();

  /**
   * Reads a schema, so that a bad one is refused before a model is loaded; the result makes or finds its masks.
   * @throws EspalierError FORMAT_UNSUPPORTED, FORMAT_TOO_LARGE
   */
  prepare(schema: unknown): (tokens: TokenTable) => TokenMasks {
    const key = JSON.stringify(schema) ?? "";
    const found = this.known.get(key);
    if (found && !found.isFull) return () => this.keep(key, found);
    const machine = new GrammarMachine(jsonGrammar(schema));
    return (tokens) => this.keep(key, new TokenMasks(machine, tokens));
  }

  private keep(key: string, masks: TokenMasks): TokenMasks {
    this.known.delete(key);
    this.known.set(key, masks);
    const [oldest] = this.known.keys();
    if (this.known.size > MOST && oldest !== undefined) this.known.delete(oldest);
    return masks;
  }
}
