import type { z } from "zod";
import type { Kind } from "./data.ts";
import type { CreateContext, Stage } from "./stage.ts";

/** What a plugin's module gives to `definePlugin`. */
export interface PluginDefinition<
  In extends Kind,
  Out extends Kind,
  Options extends z.ZodObject,
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
    options: z.output<Options>,
    context: CreateContext,
  ): Stage<In, Out> | Promise<Stage<In, Out>>;
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
  Options extends z.ZodObject = z.ZodObject,
> extends PluginDefinition<In, Out, Options> {
  (options?: z.input<Options>): StageSpec<In, Out>;
}

/** Any plugin, in a list. */
// deno-lint-ignore no-explicit-any
export type AnyPlugin = Plugin<any, any, any>;
