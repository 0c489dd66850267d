import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EventLog } from "../../server/event_log.ts";
import { eventStream, lastEventId } from "../../server/sse.ts";
import type { RunServerEvent, RunView } from "../../server/wire.ts";

const warning = (message: string): RunServerEvent => ({ type: "warning", message, at: 0 });
const state: RunServerEvent = { type: "state", run: { id: "snapshot" } as RunView };
const done: RunServerEvent = { type: "done", run: { id: "end" } as RunView };

function told(log: EventLog, after?: number): Promise<[number, string][]> {
  return Array.fromAsync(
    log.listen(after),
    ({ id, event }) => [id, event.type === "warning" ? event.message : event.type],
  );
}

Deno.test("EventLog.listen() tells the state first, then what comes", async () => {
  const log = new EventLog(() => state);
  log.add(warning("a"));
  const listening = told(log);
  await Promise.resolve();
  log.add(warning("b"));
  log.end(done);
  log.add(warning("too late"));
  assertEquals(await listening, [[1, "state"], [2, "b"], [3, "done"]]);
});

Deno.test("EventLog.listen() resumes after a number", async () => {
  const log = new EventLog(() => state);
  for (const message of ["a", "b", "c"]) log.add(warning(message));
  log.end(done);
  assertEquals(await told(log, 0), [[1, "a"], [2, "b"], [3, "c"], [4, "done"]]);
  assertEquals(await told(log, 2), [[3, "c"], [4, "done"]]);
  assertEquals(await told(log, 4), []);
  // From another log, or from before a restart.
  assertEquals(await told(log, 99), [[4, "done"]]);
  assertEquals(await told(log), [[4, "done"]]);
});

Deno.test("EventLog.listen() gives the state in place of what the log let go", async () => {
  const log = new EventLog(() => state, 3);
  const slow = log.listen(0);
  log.add(warning("0"));
  assertEquals((await slow.next()).value?.id, 1);
  for (let i = 1; i < 10; i++) log.add(warning(String(i)));
  assertEquals((await slow.next()).value, { id: 10, event: state });
  log.add(warning("10"));
  assertEquals((await slow.next()).value?.id, 11);
  assertEquals(log.listeners, 1);
  await slow.return();
  assertEquals(log.listeners, 0);
});

Deno.test("EventLog.listen() ends on an abort while it waits", async () => {
  const log = new EventLog(() => state);
  const abort = new AbortController();
  const listening = Array.fromAsync(log.listen(0, abort.signal));
  abort.abort();
  assertEquals(await listening, []);
  assertEquals(log.listeners, 0);
});

Deno.test("eventStream() writes events, numbers and signs of life", async () => {
  const log = new EventLog(() => state);
  log.add(warning("a\nb"));
  const reader = eventStream(log, 0, 20).pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "retry: 1000\n\n");
  assertEquals(
    (await reader.read()).value,
    'id: 1\nevent: warning\ndata: {"type":"warning","message":"a\\nb","at":0}\n\n',
  );
  assertEquals((await reader.read()).value, ": alive\n\n");
  log.end(done);
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  assertStringIncludes(text, "id: 2\nevent: done\n");
  assertEquals(log.listeners, 0);
});

Deno.test("eventStream() lets go of the log when the client leaves", async () => {
  const log = new EventLog(() => state);
  const reader = eventStream(log, undefined, 1000).getReader();
  await reader.read();
  await reader.read();
  assert(log.listeners === 1);
  await reader.cancel();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(log.listeners, 0);
});

Deno.test("lastEventId() takes whole numbers and nothing else", () => {
  const read = (value: string) => lastEventId(new Headers({ "last-event-id": value }));
  assertEquals(read("17"), 17);
  for (const bad of ["", "-1", "1.5", "abc", "1e3", "9".repeat(16)]) {
    assertEquals(read(bad), undefined);
  }
});
