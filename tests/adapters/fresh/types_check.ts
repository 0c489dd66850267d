/** Compiles only where each marked line is an error; on Fresh itself and on the adapter. */
import { App, createDefine, HttpError, page } from "fresh";

interface State {
  who: string;
}
const define = createDefine<State>();
const handler = define.handlers({ GET: () => page({ a: 1 }) });

define.page<typeof handler>(({ data, state, params, url }) => {
  const a: number = data.a;
  const who: string = state.who;
  // @ts-expect-error not in the handler's data
  data.b;
  // @ts-expect-error not in the state
  state.nope;
  return [a, who, params.id, url.pathname].join();
});

define.page(({ data }) => {
  // @ts-expect-error a page without handler has no data
  data.a;
  return null;
});

// @ts-expect-error a handler must answer
define.handlers({ GET: () => 1 });

// @ts-expect-error no status of an error
new HttpError(299);

new App<State>().use((ctx) => {
  // @ts-expect-error another type
  ctx.state.who = 1;
  return ctx.next();
});

// @ts-expect-error a route answers with a Response
new App<State>().get("/", () => "text");
