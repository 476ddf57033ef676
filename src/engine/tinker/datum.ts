/**
 * @module A prompt and a response as one sequence of the wire, shifted by one: the input without its last token, the
 * targets without the first, and every tensor as long as the targets. With a prompt of P and a response of L tokens,
 * T = P + L − 1, and response token t is target P − 1 + t.
 *
 * A picture's chunk stands for the whole run of its tokens; the targets hold the image token there, with weight 0.
 */
import { ShapeError } from "../../core/errors.js";
import type { Chunk, Datum, TensorData } from "./wire.js";

/** A prompt in chunks, with the tokens that its places count as. */
export interface WirePrompt {
  readonly chunks: readonly Chunk[];
  /** `[P]`; a picture's places hold the image token. */
  readonly tokens: Int32Array;
}

/** What the loss reads at a response's tokens; `[L]` each. */
export interface TokenValues {
  readonly logProbs?: ArrayLike<number>;
  readonly advantages?: ArrayLike<number>;
  /** 1 unless given. */
  readonly weights?: ArrayLike<number>;
}

function tensor(data: number[], dtype: TensorData["dtype"] = "float32"): TensorData {
  return { data, dtype, shape: [data.length] };
}

/** The chunks of prompt and response without the last token. */
function inputOf(chunks: readonly Chunk[], response: Int32Array): Chunk[] {
  const read = response.subarray(0, -1);
  const last = chunks.at(-1);
  if (last?.type === "encoded_text") {
    return [...chunks.slice(0, -1), { type: "encoded_text", tokens: [...last.tokens, ...read] }];
  }
  return read.length === 0 ? [...chunks] : [...chunks, { type: "encoded_text", tokens: [...read] }];
}

/**
 * @param response `[L]`, L ≥ 1
 * @throws ShapeError when it is empty, or values and tokens differ in number
 */
export function datumOf(
  { chunks, tokens }: WirePrompt,
  response: Int32Array,
  values: TokenValues = {},
): Datum {
  const [P, L] = [tokens.length, response.length];
  if (P === 0 || L === 0)
    throw new ShapeError(`datumOf: expected a prompt and a response, got ${P} and ${L} tokens`);
  const padded = (given: ArrayLike<number>, name: string): TensorData => {
    if (given.length !== L) {
      throw new ShapeError(
        `datumOf: ${name}: expected [${L}], one for each response token, got [${given.length}]`,
      );
    }
    return tensor([...new Array<number>(P - 1).fill(0), ...Array.from(given)]);
  };
  const { weights = new Array<number>(L).fill(1), logProbs, advantages } = values;
  return {
    model_input: { chunks: inputOf(chunks, response) },
    loss_fn_inputs: {
      target_tokens: tensor([...tokens.subarray(1), ...response], "int64"),
      weights: padded(weights, "weights"),
      ...(logProbs ? { logprobs: padded(logProbs, "logProbs") } : {}),
      ...(advantages ? { advantages: padded(advantages, "advantages") } : {}),
    },
  };
}

/** Of what a server says of a datum, the part about the response. @param values_T `[P + L − 1]` */
export function responsePart(values_T: Float32Array, { tokens }: WirePrompt): Float32Array {
  return values_T.slice(tokens.length - 1);
}
