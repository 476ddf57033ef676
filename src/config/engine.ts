/**
 * @module Settings of where a policy trains and samples, and of what is trained of it.
 */
import { z } from "zod";

const positiveInt = z.int().positive();

/** What graphs can run on, and `auto`. */
export const DEVICE_CHOICES = ["cpu", "cuda", "webgpu", "auto"] as const;

/** What products of matrices can compute with: 24, 11 and 8 significant bits. */
export const PRECISION_CHOICES = ["float32", "tf32", "bf16"] as const;

export const engineSchema = z.strictObject({
  kind: z
    .enum(["process", "local", "tinker", "ray"])
    .default("process")
    .describe(
      "where the policy trains and samples: a process beside this one, this thread, a Tinker-wire server, a job on Ray",
    ),
  device: z
    .enum(DEVICE_CHOICES)
    .default("cpu")
    .describe(
      "kinds process, local: where graphs run; auto: cuda where a graph runs there, else cpu; `sharegrpo doctor` tries each",
    ),
  precision: z
    .enum(PRECISION_CHOICES)
    .default("float32")
    .describe(
      "kinds process, local, on cuda: what matrix products compute with; weights, sums, norms, softmax and loss stay float32",
    ),
  url: z
    .string()
    .default("")
    .describe("kinds tinker, ray: the server's address; its key is SHAREGRPO_ENGINE_KEY of the environment"),
  baseModel: z
    .string()
    .default("")
    .describe("kinds tinker, ray: the model as the server knows it; empty: the only one a Tinker server has"),
  rank: z
    .int()
    .nonnegative()
    .default(32)
    .describe("kind tinker: rank of the adapter; 0: all weights, where the server can"),
  loss: z
    .enum(["surrogate", "native"])
    .default("surrogate")
    .describe("kind tinker: computed here, exactly, for one more forward pass; or the server's own clip"),
  stack: z
    .enum(["easyr1", "r1-sharevl"])
    .default("easyr1")
    .describe(
      "kind ray: EasyR1 with this project's package, or the released R1-ShareVL code as it is, to reproduce the paper",
    ),
  nodes: positiveInt.default(1).describe("kind ray: machines"),
  gpusPerNode: positiveInt.default(8).describe("kind ray: GPUs of each"),
  shared: z
    .string()
    .default("")
    .describe(
      "kind ray: where the machines see the run folder's `job`; empty: data travels with the job, 100 MiB at most",
    ),
  checkpoints: z.string().default("").describe("kind ray: where the machines write checkpoints"),
  overrides: z
    .array(z.string().regex(/^[\w.]+=.+$/, "expected key=value"))
    .default([])
    .describe("kind ray: the stack's own settings as key=value, over everything else"),
});

/** Every projection of the decoder, none of the vision tower. */
export const DECODER_TARGETS = String.raw`.*language_model\.layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down)_proj`;

export const loraSchema = z.strictObject({
  rank: z
    .int()
    .nonnegative()
    .default(0)
    .describe(
      "kinds process, local: rank of the adapter that is trained in place of the weights, which then stay in their files; 0: all weights",
    ),
  alpha: z.number().positive().default(32).describe("α: the adapter counts α/rank times (arXiv 2106.09685)"),
  usesRslora: z.boolean().default(false).describe("α/√rank in place of α/rank (arXiv 2312.03732)"),
  targets: z
    .string()
    .default(DECODER_TARGETS)
    .describe(
      "pattern of the linear layers that are adapted, as PEFT names them; default: all of the decoder",
    ),
});
