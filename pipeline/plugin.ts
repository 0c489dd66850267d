import type { z } from "zod";
import type { Kind } from "./data.ts";
import type { ExportContext, StageExport } from "./export.ts";
import type { MemoryContext, StageMemory } from "./memory.ts";
import type { CreateContext, Stage } from "./stage.ts";

/**
 * A zod object, which says what options there are.
 *
 * @internal
 */
export type OptionsSchema = z.ZodObject;

/**
 * Options as they are written: those with a default may be left out.
 *
 * @internal
 */
export type OptionsGiven<Schema extends OptionsSchema> = z.input<Schema>;

/**
 * Options as a stage is made from them, validated, defaults filled in.
 *
 * @internal
 */
export type OptionsChosen<Schema extends OptionsSchema> = z.output<Schema>;

/** What a plugin's module gives to `definePlugin`. */
export interface PluginDefinition<
  In extends Kind,
  Out extends Kind,
  Options extends OptionsSchema,
> {
  /** Name in configs, kebab-case. */
  readonly name: string;
  /** One line for lists. */
  readonly summary: string;
  /** Kind of data its stage takes. */
  readonly takes: In;
  /** Kind of data its stage gives. */
  readonly gives: Out;
  /**
   * Keys in camelCase, each with a description and a default; configs and flags write them in
   * kebab-case. Must be cheap to import: load the heavy part inside `create`.
   */
  readonly options: Options;
  /** Makes a stage, with all it needs loaded. */
  create(
    options: OptionsChosen<Options>,
    context: CreateContext,
  ): Stage<In, Out> | Promise<Stage<In, Out>>;
  /** What such a stage will hold in memory, told without loading it. May be left out. */
  memory?(
    options: OptionsChosen<Options>,
    context: MemoryContext,
  ): StageMemory | Promise<StageMemory>;
  /** Writes the networks of such a stage as ONNX files that stand alone. May be left out. */
  exportNetworks?(options: OptionsChosen<Options>, context: ExportContext): Promise<StageExport>;
}

/** A plugin with options chosen: what `pipe` composes. Costs nothing until opened. */
export interface StageSpec<In extends Kind = Kind, Out extends Kind = Kind> {
  /** Who will make the stage. */
  readonly plugin: AnyPlugin;
  /** Kind of data its stage takes. */
  readonly takes: In;
  /** Kind of data its stage gives. */
  readonly gives: Out;
  /** Validated. */
  readonly options: unknown;
}

/** A plugin: its definition, callable with options. */
export interface Plugin<
  In extends Kind = Kind,
  Out extends Kind = Kind,
  Options extends OptionsSchema = OptionsSchema,
> extends PluginDefinition<In, Out, Options> {
  (options?: OptionsGiven<Options>): StageSpec<In, Out>;
}

/** Any plugin, in a list. */
// deno-lint-ignore no-explicit-any
export type AnyPlugin = Plugin<any, any, any>;
