/** Pages to HTML: the page within its layouts within the app. */
import {
  type AnyComponent,
  type ComponentChildren,
  Fragment,
  type FunctionComponent,
  h,
  type VNode,
} from "preact";
import { jsxTemplate } from "preact/jsx-runtime";
import { renderToString } from "preact-render-to-string";
import { FoundIslands } from "./islands.ts";
import { collectHead } from "./runtime.ts";
import type { Component, Inner, RouteModule } from "./snapshot.ts";
import type { HandlerByMethod, Method, Middleware, PageProps } from "./types.ts";

/** Where Fresh leaves the nonce of a page's script, on the Response. */
export const NONCE: unique symbol = Symbol.for("__freshNonce");

/** Runs middlewares one within the other; the last one's `next` is the caller's. */
export function compose<State>(list: readonly Middleware<State>[]): Middleware<State> {
  return (ctx) => {
    const inner = ctx as Inner<State>;
    const last = inner.next;
    const step = async (index: number): Promise<Response> => {
      const middleware = list[index];
      if (middleware === undefined) return await last();
      inner.next = () => step(index + 1);
      return await middleware(inner);
    };
    return step(0);
  };
}

/** The last link of a chain: a route's handler, then its page. */
export function renderRoute<State>(mod: RouteModule<State>, status = 200): Middleware<State> {
  const component = mod.default as Component<State> | undefined;
  return async (ctx) => {
    const method = ctx.req.method as Method;
    const { handler } = mod;
    const byMethod: HandlerByMethod<unknown, State> = typeof handler === "object" ? handler : {};
    const handle = typeof handler === "function"
      ? handler
      : byMethod[method] ?? (method === "HEAD" ? byMethod.GET : undefined);
    const plainPage = component !== undefined && (typeof handler !== "object" || method === "GET");
    if (handle === undefined && !plainPage) return await ctx.next();
    const result = await handle?.(ctx);
    if (result instanceof Response) return result;
    const node = component === undefined
      ? null
      : await resolve(component, propsOf(ctx as Inner<State>, result?.data));
    if (node instanceof Response) return node;
    return await ctx.render(node, {
      status: result?.status ?? status,
      headers: result?.headers ?? {},
    });
  };
}

function propsOf<State>(
  ctx: Inner<State>,
  data: unknown,
  child: VNode | null = null,
): PageProps<unknown, State> {
  const { url, req, route, params, state, info, error } = ctx;
  const Component: FunctionComponent = () => child;
  return { url, req, route, params, state, info, error, data, Component };
}

/** Async components are run here; plain ones are left to preact. */
async function resolve<State>(
  component: Component<State>,
  props: PageProps<unknown, State>,
): Promise<VNode | Response> {
  if (component.constructor.name !== "AsyncFunction") {
    return h(component as AnyComponent<typeof props>, props) as VNode;
  }
  const run = component as unknown as (props: PageProps) => Promise<VNode | Response>;
  return await run(props);
}

/** Renders a node within the layouts and the app that hold where `ctx` is. */
export async function renderPage<State>(
  ctx: Inner<State>,
  node: VNode | null,
  init: ResponseInit,
): Promise<Response> {
  for (const layout of ctx.layouts.toReversed()) {
    const around = await resolve(layout, propsOf(ctx, undefined, node));
    if (around instanceof Response) return around;
    node = around;
  }
  const found = new FoundIslands(ctx.snapshot?.islands);
  const head: ComponentChildren[] = [];
  const toHtml = (node: VNode) =>
    found.collect(() => collectHead(head, () => renderToString(node)));

  let html = toHtml(node ?? h(Fragment, null));
  if (ctx.app === undefined) {
    html = `<html><head><meta charset="utf-8"></head><body>${html}</body></html>`;
  } else {
    const body = jsxTemplate([html] as unknown as string[]) as VNode;
    const page = await resolve(ctx.app, propsOf(ctx, undefined, body));
    if (page instanceof Response) return page;
    html = toHtml(page);
  }
  html = addToHead(html, renderToString(h(Fragment, null, head)));

  const headers = new Headers(init.headers);
  headers.set("content-type", "text/html; charset=utf-8");
  let nonce: string | undefined;
  if (ctx.snapshot !== undefined && found.islands.length > 0) {
    nonce = crypto.randomUUID().replaceAll("-", "");
    html = addToBody(html, bootScript(found, ctx.snapshot.client, nonce));
    headers.append("link", preloads(found, ctx.snapshot.client));
  }
  const response = new Response(`<!DOCTYPE html>${html}`, { ...init, headers });
  return Object.assign(response, { [NONCE]: nonce });
}

/** What pages gave to `Head` comes last; a title of theirs takes the place of the app's. */
function addToHead(html: string, extra: string): string {
  const end = html.indexOf("</head>");
  if (extra === "" || end < 0) return html;
  let head = html.slice(0, end);
  if (extra.includes("<title")) head = head.replace(/<title>[^]*?<\/title>/, "");
  return head + extra + html.slice(end);
}

function addToBody(html: string, script: string): string {
  const end = html.lastIndexOf("</body>");
  return end < 0 ? html + script : html.slice(0, end) + script + html.slice(end);
}

function bootScript(found: FoundIslands, client: string, nonce: string): string {
  const imports = found.islands.map(({ name, url }) => `import ${name} from "${url}";`).join("");
  const names = found.islands.map(({ name }) => name).join(",");
  // No text inside may end the script.
  const data = JSON.stringify(found.serialize()).replaceAll("<", "\\u003c");
  return `<script type="module" nonce="${nonce}">import { boot } from "${client}";` +
    `${imports}boot({${names}},${data});</script>`;
}

/** The scripts a page needs, for the browser to fetch before it has read the page. */
function preloads(found: FoundIslands, client: string): string {
  return [client, ...found.islands.map(({ url }) => url)]
    .map((url) => `<${encodeURI(url)}>; rel="modulepreload"; as="script"`).join(", ");
}
