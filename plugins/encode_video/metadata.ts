import type { Frames, Prompt } from "../../pipeline/data.ts";

/** What a file says about its making. */
export interface Description {
  /** The first prompt. */
  readonly title: string;
  /** JSON: prompt, seed and the config's label; `prompts` with picture numbers if they changed. */
  readonly comment: string;
}

/** Gathers what is to be written into a file from the chunks that go into it. */
export class MetadataRecorder {
  readonly #label: string | undefined;
  readonly #prompts: { readonly frame: number; readonly prompt: Prompt }[] = [];

  constructor(label: string | undefined) {
    this.#label = label;
  }

  add({ prompt, first }: Frames): void {
    const before = this.#prompts.at(-1)?.prompt;
    if (before !== undefined && same(before, prompt)) return;
    this.#prompts.push({ frame: first, prompt });
  }

  /** `add`, for a single chunk. */
  with(frames: Frames): this {
    this.add(frames);
    return this;
  }

  describe(): Description {
    const prompt = this.#prompts[0]?.prompt ?? { text: "" };
    const comment = {
      software: "sluice",
      config: this.#label,
      prompt: prompt.text,
      negative: prompt.negative,
      seed: prompt.seed,
      prompts: this.#prompts.length < 2 ? undefined : this.#prompts.map(({ frame, prompt }) => ({
        frame,
        prompt: prompt.text,
        seed: prompt.seed,
      })),
    };
    return { title: prompt.text, comment: JSON.stringify(comment) };
  }
}

function same(a: Prompt, b: Prompt): boolean {
  return a.text === b.text && a.negative === b.negative && a.seed === b.seed;
}
