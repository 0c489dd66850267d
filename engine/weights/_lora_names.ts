/** How LoRA files of Wan name the parts of the network. */

/** What a tensor of a LoRA is to its module. */
export type LoraPart = "down" | "up" | "alpha" | "weight" | "bias";

/**
 * Ends of names: pairs of matrices as PEFT and diffusers (`lora_A`, `lora_B`) and kohya (`lora_down`, `lora_up`,
 * `alpha`) call them, and whole differences of weights and biases (`diff`, `diff_b`), which distilled LoRAs have.
 */
const parts: readonly (readonly [end: string, part: LoraPart])[] = [
  [".lora_A.weight", "down"],
  [".lora_A.default.weight", "down"],
  [".lora_down.weight", "down"],
  [".lora_B.weight", "up"],
  [".lora_B.default.weight", "up"],
  [".lora_up.weight", "up"],
  [".alpha", "alpha"],
  [".diff", "weight"],
  [".diff_b", "bias"],
  [".lora_B.bias", "bias"],
];

/** What may stand in front of a module's name, tried in this order. */
const fronts = [
  "base_model.model.",
  "model.diffusion_model.",
  "diffusion_model.",
  "transformer.",
  "model.",
  "lora_unet__",
  "lora_unet_",
];

/** Splits the name of a LoRA's tensor into its module, still in the file's own style, and its part. */
export function splitLoraName(name: string): { module: string; part: LoraPart } | undefined {
  for (const [end, part] of parts) {
    if (name.endsWith(end)) return { module: name.slice(0, -end.length), part };
  }
}

/**
 * Names of modules in diffusers' spelling, by the checkpoint's.
 *
 * Source: huggingface/diffusers, scripts/convert_wan_to_diffusers.py, TRANSFORMER_KEYS_RENAME_DICT.
 */
const diffusersNames: Readonly<Record<string, string>> = {
  "self_attn.q": "attn1.to_q",
  "self_attn.k": "attn1.to_k",
  "self_attn.v": "attn1.to_v",
  "self_attn.o": "attn1.to_out.0",
  "self_attn.norm_q": "attn1.norm_q",
  "self_attn.norm_k": "attn1.norm_k",
  "cross_attn.q": "attn2.to_q",
  "cross_attn.k": "attn2.to_k",
  "cross_attn.v": "attn2.to_v",
  "cross_attn.o": "attn2.to_out.0",
  "cross_attn.norm_q": "attn2.norm_q",
  "cross_attn.norm_k": "attn2.norm_k",
  "ffn.0": "ffn.net.0.proj",
  "ffn.2": "ffn.net.2",
  "norm3": "norm2",
  "time_embedding.0": "condition_embedder.time_embedder.linear_1",
  "time_embedding.2": "condition_embedder.time_embedder.linear_2",
  "text_embedding.0": "condition_embedder.text_embedder.linear_1",
  "text_embedding.2": "condition_embedder.text_embedder.linear_2",
  "time_projection.1": "condition_embedder.time_proj",
  "head.head": "proj_out",
};

/**
 * The network's modules by every spelling that a LoRA may use: the checkpoint's own, diffusers', and both with
 * underscores for dots, as kohya's are.
 */
export class LoraModules {
  readonly #known = new Map<string, string>();

  /** @param names the network's parameters, such as `blocks.0.ffn.0.weight` */
  constructor(names: Iterable<string>) {
    const ambiguous = new Set<string>();
    const modules = new Set([...names].map((name) => name.replace(/\.(weight|bias)$/, "")));
    for (const module of modules) {
      const [, block = "", rest = module] = /^(blocks\.\d+\.)(.*)$/.exec(module) ?? [];
      const spellings = [module, block + (diffusersNames[rest] ?? rest)];
      for (const spelling of new Set(spellings.flatMap((each) => [each, flat(each)]))) {
        if (this.#known.has(spelling)) ambiguous.add(spelling);
        this.#known.set(spelling, module);
      }
    }
    for (const spelling of ambiguous) {
      if (modules.has(spelling)) this.#known.set(spelling, spelling);
      else this.#known.delete(spelling);
    }
  }

  /** The network's name of a module, if it has it. */
  find(module: string): string | undefined {
    let rest = module;
    let found = this.#known.get(rest);
    for (const front of fronts) {
      if (found !== undefined) break;
      if (!rest.startsWith(front)) continue;
      rest = rest.slice(front.length);
      found = this.#known.get(rest);
    }
    return found;
  }
}

function flat(module: string): string {
  return module.replaceAll(".", "_");
}
