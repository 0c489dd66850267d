/** Stages that stay loaded from one run to the next. */
import { definePlugin } from "../pipeline/define.ts";
import type { StageSpec } from "../pipeline/plugin.ts";
import type { CreateContext, Stage } from "../pipeline/stage.ts";
import { type Holding, holdingsOf, inTheWay, type MemoryOf } from "./stage_room.ts";

interface Kept extends Holding {
  readonly key: string;
  readonly stage: Stage;
}

/** How stages are kept. */
export interface StageCacheOptions {
  /** Stages of one plugin that are kept while nobody uses them. Default: 2. */
  readonly each?: number;
  /** What memory there is. Default: nothing is known of any device. */
  readonly memoryOf?: MemoryOf;
}

/**
 * Lends stages to pipelines. Closing a pipeline gives its stages back, and a later one with the same
 * options takes them as they are; of each plugin only the newest few stay, and of those only what leaves
 * the next pipeline the memory that it needs.
 */
export class StageCache implements AsyncDisposable {
  readonly #each: number;
  readonly #memoryOf: MemoryOf;
  /** Those that nobody uses, longest unused first. */
  #idle: Kept[] = [];
  #closed = false;

  constructor({ each = 2, memoryOf = () => Promise.resolve({}) }: StageCacheOptions = {}) {
    this.#each = each;
    this.#memoryOf = memoryOf;
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
    /** By the signals of the openings: the first stage that is asked for makes room for all. */
    const rooms = new WeakMap<AbortSignal, Promise<Holding[]>>();
    return specs.map((spec, i) => {
      const { name, summary, takes, gives, options } = spec.plugin;
      const plugin = definePlugin({
        name,
        summary,
        takes,
        gives,
        options,
        create: async (_, context) => {
          const room = rooms.get(context.signal) ?? this.#makeRoom(specs, context);
          rooms.set(context.signal, room);
          const holding = (await room)[i]!;
          return await this.#lend(spec, { holding, context, spoilt });
        },
      });
      return { plugin, takes, gives, options: spec.options };
    });
  }

  async #lend(
    spec: StageSpec,
    { holding, context, spoilt }: {
      readonly holding: Holding;
      readonly context: CreateContext;
      readonly spoilt: () => boolean;
    },
  ): Promise<Stage> {
    const key = keyOf(spec, context);
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
        await this.#keep({ ...holding, key, stage });
      },
    };
  }

  /** Frees what is in the way of a pipeline. Gives what its stages will hold. */
  async #makeRoom(specs: readonly StageSpec[], context: CreateContext): Promise<Holding[]> {
    const held = await holdingsOf(specs, context).catch(() =>
      // What cannot be reckoned with cannot be loaded either: creating it says why.
      specs.map(({ plugin }) => ({ plugin, lasting: {}, most: {} }))
    );
    const others = [...this.#idle];
    const loads = new Set(
      specs.filter((spec) => {
        const key = keyOf(spec, context);
        const found = others.findIndex((each) => each.plugin === spec.plugin && each.key === key);
        if (found >= 0) others.splice(found, 1);
        return found < 0;
      }).map(({ plugin }) => plugin),
    );
    const leaving = await inTheWay(held, loads, others, this.#memoryOf);
    // Others may have been lent or freed since.
    const going = this.#idle.filter((each) => leaving.includes(each));
    this.#idle = this.#idle.filter((each) => !going.includes(each));
    for (const { stage } of going) await stage[Symbol.asyncDispose]();
    return held;
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

/** What two stages of a plugin have in common that can stand in for each other. */
function keyOf(
  { options }: StageSpec,
  { device, threads, directory }: CreateContext,
): string {
  return JSON.stringify([options, device, threads, directory]);
}
