import { checkOptions, type OptionProblem } from "./_options.ts";
import type { Kind } from "./data.ts";
import { UserError } from "./errors.ts";
import type {
  AnyPlugin,
  OptionsGiven,
  OptionsSchema,
  Plugin,
  PluginDefinition,
  StageSpec,
} from "./plugin.ts";

/**
 * Makes a plugin of its definition: a function from options to a stage not yet loaded, which also
 * carries the definition's fields. This is the default export of a plugin's module.
 *
 * ```ts ignore
 * export default definePlugin({
 *   name: "reverse",
 *   summary: "Plays each chunk backwards",
 *   takes: "frames",
 *   gives: "frames",
 *   options: z.object({}),
 *   create: async (options) => new (await import("./stage.ts")).Reverse(options),
 * });
 * ```
 *
 * The function throws a `UserError` that names the option where one is unknown or out of range.
 */
export function definePlugin<
  In extends Kind,
  Out extends Kind,
  Options extends OptionsSchema,
>(definition: PluginDefinition<In, Out, Options>): Plugin<In, Out, Options> {
  const choose = (
    options: OptionsGiven<Options> = {} as OptionsGiven<Options>,
  ): StageSpec<In, Out> => chooseOptions(plugin, options, false) as StageSpec<In, Out>;
  // A function's own `name` cannot be assigned, only defined anew.
  const fields = Object.entries(definition).map(([key, value]) => [
    key,
    { value, enumerable: true },
  ]);
  const plugin = Object.freeze(
    Object.defineProperties(choose, Object.fromEntries(fields)),
  ) as Plugin<In, Out, Options>;
  return plugin;
}

/** A plugin's stage with options whose keys are spelt as in code or, with `kebab`, as in configs. */
export function chooseOptions(plugin: AnyPlugin, options: unknown, kebab: boolean): StageSpec {
  const checked = checkOptions(plugin.options, options, kebab);
  if (checked.problems !== undefined) throw new OptionsError(plugin.name, checked.problems);
  const { takes, gives } = plugin;
  return Object.freeze({ plugin, takes, gives, options: checked.options });
}

/** Options that a plugin refuses. */
export class OptionsError extends UserError {
  override name = "OptionsError";
  readonly problems: readonly OptionProblem[];

  constructor(plugin: string, problems: readonly OptionProblem[]) {
    const lines = problems.map(({ path, reason }) =>
      path.length === 0 ? reason : `${spellPath(path)}: ${reason}`
    );
    super(`The plugin "${plugin}" cannot take these options. ${lines.join("\n")}`);
    this.problems = problems;
  }
}

/** `["steps", 1]` as `steps[1]`. */
export function spellPath(path: readonly PropertyKey[]): string {
  return path.map((key, i) =>
    typeof key === "number" ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`
  ).join("");
}
