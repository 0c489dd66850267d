/** Stages that stay loaded from one run to the next. */
import { definePlugin } from "../pipeline/define.ts";
import type { AnyPlugin, StageSpec } from "../pipeline/plugin.ts";
import type { CreateContext, Stage } from "../pipeline/stage.ts";

interface Kept {
  readonly plugin: AnyPlugin;
  readonly key: string;
  readonly stage: Stage;
}

/**
 * Lends stages to pipelines. Closing a pipeline gives its stages back, and a later one with the same
 * options takes them as they are; of each plugin only the newest few stay.
 */
export class StageCache implements AsyncDisposable {
  readonly #each: number;
  /** Those that nobody uses, longest unused first. */
  #idle: Kept[] = [];
  #closed = false;

  /** @param each Stages of one plugin that are kept while nobody uses them. */
  constructor(each = 2) {
    this.#each = each;
  }

  /** Stages that are kept. */
  get size(): number {
    return this.#idle.length;
  }

  /**
   * The same stages, lent. Where `spoilt` gives true when they are given back they are freed instead:
   * after a failure nobody knows what state they are in.
   */
  lend(specs: readonly StageSpec[], spoilt: () => boolean): StageSpec[] {
    return specs.map((spec) => {
      const { name, summary, takes, gives, options } = spec.plugin;
      const plugin = definePlugin({
        name,
        summary,
        takes,
        gives,
        options,
        create: (_, context) => this.#lend(spec, context, spoilt),
      });
      return { plugin, takes, gives, options: spec.options };
    });
  }

  async #lend(spec: StageSpec, context: CreateContext, spoilt: () => boolean): Promise<Stage> {
    const { device, threads, directory } = context;
    const key = JSON.stringify([spec.options, device, threads, directory]);
    const found = this.#idle.findIndex((each) => each.plugin === spec.plugin && each.key === key);
    const stage = found >= 0
      ? this.#idle.splice(found, 1)[0]!.stage
      : await spec.plugin.create(spec.options, context);
    return {
      name: stage.name,
      takes: stage.takes,
      gives: stage.gives,
      process: (input, run) => stage.process(input, run),
      [Symbol.asyncDispose]: async () => {
        if (this.#closed || spoilt()) return await stage[Symbol.asyncDispose]();
        await this.#keep({ plugin: spec.plugin, key, stage });
      },
    };
  }

  async #keep(kept: Kept): Promise<void> {
    this.#idle.push(kept);
    const same = this.#idle.filter(({ plugin }) => plugin === kept.plugin);
    const surplus = same.slice(0, -this.#each);
    this.#idle = this.#idle.filter((each) => !surplus.includes(each));
    for (const { stage } of surplus) await stage[Symbol.asyncDispose]();
  }

  /** Frees all that nobody uses; what is lent is freed when it is given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const idle = this.#idle.splice(0);
    await Promise.all(idle.map(({ stage }) => stage[Symbol.asyncDispose]()));
  }
}
