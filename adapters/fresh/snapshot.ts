/** What a Builder hands to an App, and an App to the rendering of a request. */
import type { AnyComponent } from "preact";
import type { Context, Middleware, PageProps, RouteHandler } from "./types.ts";

/** A page, layout, app or error page. */
// deno-lint-ignore no-explicit-any
export type Component<State> = AnyComponent<PageProps<any, State>>;

/** What a file in `routes/` may export. */
export interface RouteModule<State> {
  readonly handler?: RouteHandler<unknown, State>;
  readonly default?: Component<State> | Middleware<State> | Middleware<State>[];
}

/** What a file in `routes/` is, by its name. */
export type FileKind = "app" | "layout" | "error" | "middleware" | "route";

/** A file in `routes/`. */
export interface RouteFile<State> {
  readonly kind: FileKind;
  /** Its folder, from `routes/` on; "" at the top. */
  readonly dir: string;
  /** The addresses it answers, for a route. */
  readonly pattern: string;
  load(): Promise<RouteModule<State>>;
}

/** A file of a folder that has effect on every route within. */
export interface SpecialFile<State> {
  readonly kind: Exclude<FileKind, "route">;
  readonly dir: string;
  readonly mod: RouteModule<State>;
}

/** A component that lives on in the browser. */
export interface Island {
  readonly name: string;
  /** Address of its script. */
  readonly url: string;
}

/** A script made of islands. */
export interface BuiltFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** What a Builder hands to an App. */
export interface Snapshot<State> {
  readonly routes: readonly RouteFile<State>[];
  readonly special: readonly SpecialFile<State>[];
  // deno-lint-ignore ban-types
  readonly islands: ReadonlyMap<Function, Island>;
  /** Address of the script that brings islands to life. */
  readonly client: string;
  /** Built scripts by their address. */
  readonly files: ReadonlyMap<string, BuiltFile>;
  readonly staticDir: string;
}

/** A request on its way, as the adapter itself sees it. */
export interface Inner<State> extends Context<State> {
  readonly snapshot: Snapshot<State> | undefined;
  app: Component<State> | undefined;
  layouts: readonly Component<State>[];
}
