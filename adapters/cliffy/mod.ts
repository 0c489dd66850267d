/**
 * The part of `@cliffy/command` that the sources use, for machines that reach the npm registry only.
 * The same sources run on Cliffy itself: `deno.json` decides.
 *
 * @module
 */
export { type AnyCommand, Command, type CommandResult } from "./command.ts";
export { type ErrorHandler, type OptionOptions } from "./command.ts";
export { type ArgumentValue, EnumType, type TypeHandler } from "./types.ts";
export type { ArgsOf, BuiltIn, EnvOf, Inherited, OptionOf, Simplify, TypeOf } from "./types.ts";
export { ValidationError } from "./values.ts";
