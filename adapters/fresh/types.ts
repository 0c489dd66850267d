/** The part of Fresh 2's types that this project uses. */
import type { AnyComponent, FunctionComponent, VNode } from "preact";

/** Methods that a route may handle. */
export type Method = "HEAD" | "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "OPTIONS";

/** What a request's middlewares, handler and page share. */
export interface Context<State> {
  /** The request's address, repeated slashes made one. */
  readonly url: URL;
  readonly req: Request;
  /** Pattern of the route that matched, such as `/api/runs/:id`; null where none did. */
  readonly route: string | null;
  /** The pattern's parameters, percent-decoded but for what separates parts of an address. */
  readonly params: Record<string, string>;
  /** What middlewares leave for those after them. */
  readonly state: State;
  readonly info: Deno.ServeHandlerInfo;
  /** What was thrown, on an error page; null elsewhere. */
  error: unknown;
  /** Goes on to the next middleware, and last to the route. */
  next(): Promise<Response>;
  /** Sends the client elsewhere; a path never leads to another host. */
  redirect(pathOrUrl: string, status?: number): Response;
  /** An answer in JSON. */
  json(content: unknown, init?: ResponseInit): Response;
  /** Renders within the layouts and the app of the route's folders. */
  // deno-lint-ignore no-explicit-any
  render(vnode: VNode<any> | null, init?: ResponseInit): Promise<Response>;
}

/** A step on the way to a route. */
export type Middleware<State> = (ctx: Context<State>) => Response | Promise<Response>;

/** What pages, layouts and the app are given. */
export type PageProps<Data = unknown, State = unknown> =
  & Pick<Context<State>, "url" | "req" | "route" | "params" | "state" | "info" | "error">
  & { data: Data; Component: FunctionComponent };

/** What a handler returns for its page to show. */
export interface PageResponse<T> {
  data: T;
  headers?: HeadersInit | undefined;
  status?: number | undefined;
}

/** Answers a request, or gives data to the page of the same file. */
export interface HandlerFn<Data, State> {
  (
    ctx: Context<State>,
  ): Response | PageResponse<Data> | Promise<Response | PageResponse<Data>>;
}

/** One handler a method. HEAD is GET without the body where it is left out. */
export type HandlerByMethod<Data, State> = {
  [M in Method]?: HandlerFn<Data, State>;
};

/** What a file in `routes/` may export as `handler`. */
export type RouteHandler<Data, State> =
  | HandlerFn<Data, State>
  | HandlerByMethod<Data, State>;

/** Functions that give back what they take, for the sake of its type. */
export interface Define<State> {
  handlers<Data, Handlers extends RouteHandler<Data, State> = RouteHandler<Data, State>>(
    handlers: Handlers,
  ): typeof handlers;
  page<
    // deno-lint-ignore no-explicit-any
    Handler extends RouteHandler<any, State> = never,
    Data = Handler extends HandlerFn<infer D, State> ? D
      : Handler extends HandlerByMethod<infer D, State> ? D
      : never,
  >(render: AnyComponent<PageProps<Data, State>>): typeof render;
  layout(render: AnyComponent<PageProps<unknown, State>>): typeof render;
  middleware<M extends Middleware<State> | Middleware<State>[]>(middleware: M): typeof middleware;
}
