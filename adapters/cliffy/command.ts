/** The part of Cliffy's `Command` that the sources use, on commander. */
// deno-lint-ignore-file no-explicit-any
import { Argument, Command as Base, CommanderError, Option } from "commander";
import type { AnyType, ArgsOf, BuiltIn, EnumType, EnvOf, Inherited } from "./types.ts";
import type { OptionOf, Simplify, TypeHandler, TypeOf } from "./types.ts";
import { type Declaration, declare, ValidationError } from "./values.ts";
import { type Env, envValues, helpTail } from "./extras.ts";

/** A command of any type. */
export type AnyCommand = Command<any, any, any, any, any>;

/** How an option behaves. */
export interface OptionOptions<C, D> {
  /** May be repeated: gives an array. */
  collect?: C;
  /** Value where the flag is absent. */
  default?: D;
  /** Options (in camelCase) that may not be there too. */
  conflicts?: string[];
  /** Left out of help. */
  hidden?: boolean;
}

/** What `parse` gives. */
export interface CommandResult {
  /** By key in camelCase, inherited ones too. */
  options: any;
  /** In the order they were declared. */
  args: any[];
  /** Words after `--`. */
  literal: string[];
  /** The command that ran. */
  cmd: AnyCommand;
}

/** Called with the error of a parse and the command it belongs to. */
export type ErrorHandler = (error: Error, cmd: AnyCommand) => unknown;

/**
 * A command, its options and its sub-commands. The type parameters are what it inherits, its own
 * options, its arguments, what it passes down, and the types known by name.
 */
export class Command<PG = void, O = unknown, A extends unknown[] = [], G = unknown, T = BuiltIn> {
  /** Commander's side; for this adapter only. */
  readonly base: Base = new Base().helpOption("-h, --help", "Show this help.").helpCommand(false)
    .configureHelp({ showGlobalOptions: true }).exitOverride();
  #parent: AnyCommand | undefined;
  #types = new Map<string, AnyType>();
  #envs: Env[] = [];
  #examples: [string, string][] = [];
  #action: ((this: any, options: any, ...args: any[]) => unknown) | undefined;
  #onError: ErrorHandler | undefined;
  #throws = false;
  #exits = true;
  #result: CommandResult | undefined;
  #subs: AnyCommand[] = [];
  #at: AnyCommand | undefined;
  #ready = false;
  #hidden = false;
  #words: string[] = [];

  /** Sets the name: the program's for the root command. */
  name(name: string): this {
    this.base.name(name);
    return this;
  }

  /** Sets what `--version` prints. */
  version(version: string): this {
    this.base.version(version, "-V, --version", "Show the version number for this program.");
    return this;
  }

  /** Sets the text at the top of help, whose first line lists show. */
  description(text: string): this {
    this.base.description(text);
    return this;
  }

  /** Leaves the command out of help. */
  hidden(): this {
    this.#hidden = true;
    return this;
  }

  /** An example for the help text: what it shows, and the line to type. */
  example(name: string, line: string): this {
    this.#examples.push([name, line]);
    return this;
  }

  /** Names a type for options and arguments declared from here on. */
  type<N extends string, H extends EnumType<any> | TypeHandler<unknown>>(
    name: N,
    handler: H,
  ): Command<PG, O, A, G, Simplify<T & { [K in N]: TypeOf<H> }>> {
    this.#types.set(name, handler);
    return this as any;
  }

  /** Declares the arguments: `<needed:type> [optional:type] [rest...:type]`. */
  arguments<S extends string>(spec: S): Command<PG, O, ArgsOf<S, T>, G, T> {
    for (const part of spec.split(" ")) {
      const { form, name, parse, choices } = this.#declare(part, "Argument");
      const argument = new Argument(form);
      if (choices) argument.argChoices = choices;
      argument.argParser((word, previous: unknown) =>
        argument.variadic
          ? [...(previous as unknown[] ?? []), parse(word, name)]
          : parse(word, name)
      );
      this.base.addArgument(argument);
    }
    return this as any;
  }

  /** Declares an option by its flags: `-s, --seed <n:integer>`, `--json`. */
  option<F extends string, C extends boolean | undefined = undefined, const D = undefined>(
    flags: F,
    description: string,
    options: OptionOptions<C, D> = {},
  ): Command<PG, Simplify<O & OptionOf<F, T, C, D>>, A, G, T> {
    this.#addOption(flags, description, options);
    return this as any;
  }

  /** An option that every sub-command has too. */
  globalOption<F extends string, C extends boolean | undefined = undefined, const D = undefined>(
    flags: F,
    description: string,
    options: OptionOptions<C, D> = {},
  ): Command<PG, O, A, Simplify<G & OptionOf<F, T, C, D>>, T> {
    this.#addOption(flags, description, options);
    return this as any;
  }

  /** An option that the environment sets where no flag does: `SLUICE_DEVICE=<device:string>`. */
  env<F extends string, P extends string = "">(
    spec: F,
    description: string,
    options: { prefix?: P } = {},
  ): Command<PG, Simplify<O & EnvOf<F, T, P>>, A, G, T> {
    const [name = "", raw = ""] = spec.split("=");
    const key = name.slice(options.prefix?.length ?? 0).toLowerCase()
      .replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
    const { parse } = this.#declare(raw, "Environment variable");
    this.#envs.push({ name, key, description, parse });
    return this as any;
  }

  /** Like `env`, for every sub-command too. */
  globalEnv<F extends string, P extends string = "">(
    spec: F,
    description: string,
    options: { prefix?: P } = {},
  ): Command<PG, O, A, Simplify<G & EnvOf<F, T, P>>, T> {
    return this.env(spec, description, options) as any;
  }

  /** What the command does with its options and arguments. */
  action(
    run: (
      this: Command<PG, O, A, G, T>,
      options: Simplify<Inherited<PG, G> & O>,
      ...args: A
    ) => unknown,
  ): this {
    this.#action = run;
    return this;
  }

  /**
   * Attaches a sub-command. Cliffy's chain speaks of that one from here on, so only `command` and
   * `reset` may follow.
   */
  command<P>(
    name: string,
    command:
      & Command<P, any, any, any, any>
      & (P extends void ? unknown : [Inherited<PG, G>] extends [P] ? unknown : never),
  ): Pick<this, "command" | "reset"> {
    command.#parent = this;
    this.#subs.push(command);
    this.base.addCommand(command.base.name(name), { hidden: command.#hidden });
    return this;
  }

  /** Speaks of this command again after `command()`. */
  reset(): this {
    return this;
  }

  /** Called before an error is thrown or printed. */
  error(handler: ErrorHandler): this {
    this.#onError = handler;
    return this;
  }

  /** Throws the user's mistakes instead of printing them and leaving. */
  throwErrors(): this {
    this.#throws = true;
    return this;
  }

  /** Like `throwErrors`, and comes back after `--help` and `--version` too. */
  noExit(): this {
    this.#exits = false;
    return this.throwErrors();
  }

  /** The command's own name. */
  getName(): string {
    return this.base.name();
  }

  /** The words that lead here, the program's name first. */
  getPath(): string {
    return this.#parent ? `${this.#parent.getPath()} ${this.getName()}` : this.getName();
  }

  /** The words of the last parse that follow the command's name. */
  getRawArgs(): string[] {
    const words = this.#parent?.getRawArgs() ?? this.#words;
    return this.#parent ? words.slice(words.indexOf(this.getName()) + 1) : words;
  }

  /** The root command. */
  getMainCommand(): AnyCommand {
    return this.#parent?.getMainCommand() ?? this;
  }

  /** The help text. */
  getHelp(): string {
    return this.base.helpInformation() + this.#helpTail();
  }

  /** Prints the help text. */
  showHelp(): void {
    console.log(this.getHelp());
  }

  /** Reads the words and runs the command they name. */
  async parse(args: string[] = Deno.args): Promise<CommandResult> {
    this.#prepare();
    this.#result = this.#at = undefined;
    this.#words = args;
    const dashes = args.indexOf("--");
    const literal = dashes < 0 ? [] : args.slice(dashes + 1);
    try {
      await this.base.parseAsync(args, { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError && error.exitCode === 0)) this.#fail(error);
      if (this.#exits) Deno.exit(0);
    }
    return this.#result ??
      { options: this.base.opts(), args: this.base.args, literal, cmd: this };
  }

  #fail(cause: unknown): never {
    let error = cause instanceof Error ? cause : new Error(String(cause));
    if (cause instanceof CommanderError) {
      const message = cause.message.replace(/^error: /, "").replace(/\n\((.*)\)$/, ". $1");
      error = new ValidationError(message);
    }
    const cmd = this.#at ?? this;
    this.#onError?.(error, cmd);
    if (this.#throws || !(error instanceof ValidationError)) throw error;
    cmd.showHelp();
    console.error(`  error: ${error.message}\n`);
    Deno.exit(error.exitCode);
  }

  /** Wires this command and those below it to commander, just before the first parse. */
  #prepare(): void {
    if (this.#ready) return;
    this.#ready = true;
    const base = this.base;
    const main = this.getMainCommand();
    base.configureOutput({
      // Help has no colours; asked, commander would want permission to read the environment.
      getOutHasColors: () => false,
      writeErr: () => {},
      writeOut: (text) => console.log(text.trimEnd()),
    });
    base.addHelpText("after", () => this.#helpTail());
    base.hook("preSubcommand", (_parent, sub) => {
      main.#at = this.#subs.find((command) => command.base === sub);
    });
    base.allowExcessArguments(base.commands.length > 0);
    base.action(async () => {
      if (base.commands.length && base.args.length) (base as any).unknownCommand();
      const options = { ...base.optsWithGlobals(), ...envValues(this.#allEnvs(), base) };
      const args = base.processedArgs.flatMap((value, i) =>
        base.registeredArguments[i]?.variadic ? value ?? [] : [value]
      );
      while (args.length && args.at(-1) === undefined) args.pop();
      main.#result = { options, args, literal: [], cmd: this };
      await this.#action?.call(this, options, ...args);
    });
    for (const sub of this.#subs) sub.#prepare();
  }

  #addOption(flags: string, description: string, how: OptionOptions<any, any>): void {
    const [, head = "", raw] = flags.match(/^(.*?)\s*(<.*>)?$/)!;
    const value = raw ? this.#declare(raw, "Option") : undefined;
    const option = new Option(value ? `${head} ${value.form}` : head, description)
      .conflicts(how.conflicts ?? []).hideHelp(how.hidden ?? false);
    if (value?.choices) option.argChoices = value.choices;
    if (how.default !== undefined) option.default(how.default);
    if (value) {
      const shown = option.long ?? head;
      option.argParser((word, previous) => {
        const parsed = value.parse(word, shown);
        const again = this.base.getOptionValueSource(option.attributeName()) === "cli";
        if (how.collect) return again ? [...(previous as unknown[]), parsed] : [parsed];
        if (!again) return parsed;
        throw new ValidationError(`Option "${shown}" can only occur once, but was found again.`);
      });
    }
    this.base.addOption(option);
  }

  #declare(raw: string, label: string): Declaration {
    return declare(raw, label, (type) => {
      for (const command of this.#line()) {
        if (command.#types.has(type)) return command.#types.get(type);
      }
    });
  }

  /** This command and its parents, nearest first. */
  *#line(): Generator<AnyCommand> {
    yield this;
    if (this.#parent) yield* this.#parent.#line();
  }

  #allEnvs(): Env[] {
    return [...this.#line()].reverse().flatMap((command) => command.#envs);
  }

  #helpTail(): string {
    return helpTail(this.#allEnvs(), this.#examples);
  }
}
