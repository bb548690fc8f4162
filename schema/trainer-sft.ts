// Parameters of supervised fine-tuning with LoRA, named as in TRL and PEFT: range, unit, default, title and why.
import { z } from "zod";

declare module "zod" {
  interface GlobalMeta {
    /** What the number counts, for labels and docs. */
    unit?: string;
    /** "main": shown at once in the form; "more": behind "more parameters". */
    group?: "main" | "more";
  }
}

const schedulers = ["constant", "linear", "cosine"] as const;

/** Parameters of method "sft". Parsing fills in the defaults; unknown names are refused. */
export const sftParameters = z
  .strictObject({
    max_steps: z.int().min(-1).max(1_000_000).default(-1).meta({
      title: "Steps",
      description:
        "Stop after this many optimizer steps, whatever the epochs say; -1 follows the epochs. Small formatting tasks need 40 to 100.",
      unit: "steps",
      group: "main",
    }),
    num_train_epochs: z.number().positive().max(1000).default(1).meta({
      title: "Epochs",
      description:
        "How often every training row is seen when steps is -1. One is enough for some hundred rows of one kind, few rows need more; past about ten a model learns by heart.",
      unit: "epochs",
      group: "main",
    }),
    learning_rate: z.number().min(0).max(1).default(1e-3).meta({
      title: "Learning rate",
      description:
        "Size of each update. LoRA bears 1e-3 on small models, 1e-4 to 5e-4 on those of billions of parameters; halve it when the loss jumps, double it when the loss hardly falls.",
      group: "main",
    }),
    per_device_train_batch_size: z.int().min(1).max(1024).default(4).meta({
      title: "Batch size",
      description: "Rows computed together. More is steadier and needs more memory and time per step.",
      unit: "rows",
      group: "main",
    }),
    max_length: z.int().min(8).max(131_072).default(512).meta({
      title: "Longest row",
      description:
        "Rows are cut at the end to this many tokens. Memory grows with it; the dataset's length histogram shows what is enough.",
      unit: "tokens",
      group: "main",
    }),
    r: z.int().min(1).max(512).default(8).meta({
      title: "LoRA rank",
      description:
        "Width of the adapter's matrices: how much it can learn. 8 is enough for style and format, 32 for knowledge.",
      group: "main",
    }),
    lora_alpha: z.number().positive().max(4096).default(16).meta({
      title: "LoRA alpha",
      description: "The adapter's output is scaled by alpha / rank. Twice the rank is usual.",
      group: "more",
    }),
    lora_dropout: z.number().min(0).max(0.9).default(0).meta({
      title: "LoRA dropout",
      description: "Share of the adapter's inputs dropped at random in training, against learning by heart.",
      unit: "share",
      group: "more",
    }),
    target_modules: z
      .union([
        z.literal("all-linear"),
        z
          .array(z.string().regex(/^[A-Za-z0-9_.]{1,200}$/))
          .min(1)
          .max(100),
      ])
      .default("all-linear")
      .meta({
        title: "Adapted layers",
        description:
          "Which linear layers get an adapter: all of them, or a list of names such as q_proj, v_proj. Fewer is faster and learns less.",
        group: "more",
      }),
    gradient_accumulation_steps: z.int().min(1).max(1024).default(1).meta({
      title: "Gradient accumulation",
      description: "Batches added up before each step: the effect of a larger batch without its memory.",
      unit: "batches",
      group: "more",
    }),
    lr_scheduler_type: z.enum(schedulers).default("linear").meta({
      title: "Learning rate schedule",
      description:
        "How the learning rate moves after warm-up: stays, falls in a line to 0, or in a half cosine to 0.",
      group: "more",
    }),
    warmup_steps: z.int().min(0).max(100_000).default(0).meta({
      title: "Warm-up",
      description: "Steps over which the learning rate rises from 0; calms the start of long trainings.",
      unit: "steps",
      group: "more",
    }),
    weight_decay: z.number().min(0).max(1).default(0).meta({
      title: "Weight decay",
      description: "Pulls the adapter's weights towards 0 at each step (AdamW), against learning by heart.",
      group: "more",
    }),
    max_grad_norm: z.number().min(0).max(1000).default(1).meta({
      title: "Gradient clipping",
      description:
        "Gradients longer than this are shortened to it, so one odd batch cannot ruin the adapter; 0 is off.",
      group: "more",
    }),
    validation_fraction: z.number().min(0).max(0.5).default(0.05).meta({
      title: "Validation share",
      description: "Share of the rows kept out of training to measure the evaluation loss; 0 keeps none.",
      unit: "share",
      group: "more",
    }),
    eval_steps: z.int().min(0).max(1_000_000).default(20).meta({
      title: "Evaluate every",
      description:
        "Steps between evaluations (loss on the validation rows and a sample answer); 0 only at the end.",
      unit: "steps",
      group: "more",
    }),
    save_steps: z.int().min(0).max(1_000_000).default(20).meta({
      title: "Checkpoint every",
      description: "Steps between checkpoints, from which an interrupted training goes on; 0 makes none.",
      unit: "steps",
      group: "more",
    }),
    logging_steps: z.int().min(1).max(10_000).default(1).meta({
      title: "Report every",
      description: "Steps between metric reports; the reported loss is the mean over them.",
      unit: "steps",
      group: "more",
    }),
    seed: z.int().min(0).max(2_147_483_647).default(42).meta({
      title: "Seed",
      description:
        "Fixes the split, the order of rows, the adapter's first weights and dropout: same seed, same result.",
      group: "more",
    }),
    dtype: z.enum(["fp32", "bf16"]).default("fp32").meta({
      title: "Precision",
      description:
        "Number format of the base model while training. bf16 halves the memory and is faster on most machines.",
      group: "more",
    }),
  })
  .meta({
    title: "Supervised fine-tuning with LoRA",
    description: "Teaches the base model to answer as the dataset's rows do, by training a small adapter.",
  });

export type SftParameters = z.infer<typeof sftParameters>;
