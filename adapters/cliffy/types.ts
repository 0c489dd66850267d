/** Type inference for the part of Cliffy's flag strings that the sources use. */
// deno-lint-ignore-file no-explicit-any

/** What a custom type handler is given. */
export interface ArgumentValue {
  /** `Option`, `Argument` or `Environment variable`. */
  label: string;
  /** Name of the type, such as `integer`. */
  type: string;
  /** The flag, argument or variable as the user knows it. */
  name: string;
  /** The word that was written. */
  value: string;
}

/** Reads one word, or throws. */
export type TypeHandler<V> = (type: ArgumentValue) => V;

/** A type that allows a fixed set of values. */
export class EnumType<const V extends string | number | boolean> {
  readonly #values: readonly V[];

  /** The values in the order to show them. */
  constructor(values: readonly V[]) {
    this.#values = values;
  }

  /** The values, in the order they were given. */
  values(): readonly V[] {
    return this.#values;
  }
}

/** The types every command knows, by name. */
export interface BuiltIn {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  file: string;
}

/** The value that a type gives. */
export type TypeOf<H> = H extends EnumType<infer V> ? V
  : H extends TypeHandler<infer V> ? V
  : never;

type Lookup<N, T> = N extends keyof T ? T[N] : unknown;
type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}`
  : S;
type EnvCamel<S extends string> = Uncapitalize<Pascal<Lowercase<S>>>;
type Pascal<S extends string> = S extends `${infer A}_${infer B}` ? `${Capitalize<A>}${Pascal<B>}`
  : Capitalize<S>;
type Value<D extends string, T> = D extends `${string}:${infer N}[]` ? Lookup<N, T>[]
  : D extends `${string}:${infer N}` ? Lookup<N, T>
  : string;
type Put<K extends string, V, D> = D extends undefined ? { [P in Camel<K>]?: V }
  : { [P in Camel<K>]: V };
type Collected<V, C> = C extends true ? V[] : V;

/** The option object that a flags string such as `-s, --seed <n:integer>` adds. */
export type OptionOf<F extends string, T, C, D> = F extends `${string}--${infer K} <${infer V}>`
  ? Put<K, Collected<Value<V, T> | NonNullable<D>, C>, D>
  : F extends `${string}--${infer K}` ? Put<K, true | NonNullable<D>, D>
  : never;

/** The option that `NAME=<value:type>` adds, less the prefix. */
export type EnvOf<F extends string, T, P extends string> = F extends `${P}${infer K}=<${infer V}>`
  ? { [X in EnvCamel<K>]?: Value<V, T> }
  : never;

/** The tuple that `<a:type> [b:type] [rest...:type]` stands for. */
export type ArgsOf<S extends string, T> = S extends `${infer A} ${infer Rest}`
  ? [...Arg<A, T>, ...ArgsOf<Rest, T>]
  : Arg<S, T>;
type Arg<A extends string, T> = A extends `<${infer N}...:${infer V}>`
  ? [Value<`${N}:${V}`, T>, ...Value<`${N}:${V}`, T>[]]
  : A extends `[${infer N}...:${infer V}]` ? Value<`${N}:${V}`, T>[]
  : A extends `<${infer D}>` ? [Value<D, T>]
  : A extends `[${infer D}]` ? [Value<D, T>?]
  : never;

/** An intersection, shown as one object. */
export type Simplify<T> = { [K in keyof T]: T[K] } & unknown;

/** What sub-commands get from a command (`G`) and from those above it (`PG`). */
export type Inherited<PG, G> = Simplify<(PG extends void ? unknown : PG) & G>;

/** Any type by name, erased. */
export type AnyType = TypeHandler<unknown> | EnumType<any>;
