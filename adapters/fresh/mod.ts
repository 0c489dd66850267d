/**
 * `fresh` for machines without JSR: the part of Fresh 2 that this project uses, on preact and
 * Deno.serve. Sources written against it run unchanged on Fresh itself; it grows no feature that they do
 * not use.
 *
 * @module
 */
import type { Define, PageResponse } from "./types.ts";

export { App, type FetchHandler, type ListenOptions } from "./app.ts";
export { type ErrorStatus, HttpError } from "./error.ts";
export { staticFiles } from "./static_files.ts";
export type {
  Context,
  Define,
  HandlerByMethod,
  HandlerFn,
  Method,
  Middleware,
  PageProps,
  PageResponse,
  RouteHandler,
} from "./types.ts";

/** What a page's answer may have beside its data. */
interface PageInit {
  headers?: HeadersInit;
  status?: number;
}

/** Gives data to the page of the same file. */
export function page<T>(data: T, init?: PageInit): PageResponse<T>;
export function page(): PageResponse<undefined>;
export function page<T>(data?: T, init: PageInit = {}): PageResponse<T> {
  return { data: data as T, ...init };
}

/** Functions that type what the files of `routes/` export. */
export function createDefine<State>(): Define<State> {
  return {
    handlers: (handlers) => handlers,
    page: (render) => render,
    layout: (render) => render,
    middleware: (middleware) => middleware,
  };
}
