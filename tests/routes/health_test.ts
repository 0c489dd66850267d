import { assertEquals } from "@std/assert";
import { StudioClient } from "../../routes/(_studio)/client.ts";
import { HealthWatch } from "../../routes/(_studio)/health.ts";

const unavailable = (detail: string) =>
  Response.json({ type: "", title: "x", status: 503, detail }, { status: 503 });

function watch(...answers: (() => Promise<Response>)[]) {
  return new HealthWatch(new StudioClient(() => answers.shift()!()));
}

const ok = () => Promise.resolve(Response.json({ status: "ok", queued: 0, busy: false }));
const gone = () => Promise.reject(new TypeError("fetch failed"));

Deno.test("HealthWatch tells loading, broken and gone apart", async () => {
  const health = watch(
    () => Promise.resolve(unavailable("The model is being loaded: ask again in a moment.")),
    () => Promise.resolve(unavailable("The model cannot be used: no file.")),
    gone,
    ok,
  );
  const seen: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    await health.check();
    seen.push(health.health.value.state);
  }
  assertEquals(seen, ["loading", "broken", "gone", "ready"]);
  assertEquals(health.health.value.reason, undefined);
});

Deno.test("HealthWatch tells what takes so long to load, where the server says so", async () => {
  const loading = (words: string) => () =>
    Promise.resolve(unavailable(`The model is being loaded${words}: ask again in a moment.`));
  const health = watch(loading(""), loading(" (diffuse: checking weights 4%, decode: x)"), ok);
  const seen: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    await health.check();
    seen.push(health.health.value.work);
  }
  assertEquals(seen, [undefined, "diffuse: checking weights 4%, decode: x", undefined]);
});

Deno.test("HealthWatch tells when the server is back, not when the model is loaded", async () => {
  const loading = () => Promise.resolve(unavailable("The model is being loaded."));
  const health = watch(loading, ok, gone, gone, loading, ok);
  let returns = 0;
  health.onReturn(() => returns++);
  const counts: number[] = [];
  for (let i = 0; i < 6; i++) {
    await health.check();
    counts.push(returns);
  }
  assertEquals(counts, [0, 0, 0, 0, 1, 1]);
});
