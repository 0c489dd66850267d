import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../pipeline/errors.ts";
import { pause, requestChat } from "../../plugins/extend_prompt/chat.ts";
import extendPrompt from "../../plugins/extend_prompt/mod.ts";
import {
  extend,
  openai,
  type Options,
  says,
  slow,
  status,
  withEndpoint,
} from "./_extend_prompt.ts";

const { signal } = new AbortController();

Deno.test("extend-prompt asks the endpoint for a detailed description", () =>
  withEndpoint([says("  “A red ball\nleaps.”  ")], async (endpoint, seen) => {
    const prompt = { text: "ein roter Ball", seed: 5 };
    const { prompts, events } = await extend({ ...openai, endpoint: `${endpoint}/` }, [prompt]);
    assertEquals(prompts, [{ text: "A red ball leaps.", seed: 5 }]);
    assertEquals(events, [{ type: "prompt", chunk: 0, text: "A red ball leaps." }]);
    assertEquals(seen[0]!.path, "/v1/chat/completions");
    assertEquals(seen[0]!.authorization, null);
    const { messages, ...body } = seen[0]!.body;
    assertEquals(body, { model: "tiny", temperature: 0.7, max_tokens: 1024, stream: false });
    assertEquals(messages[1], { role: "user", content: "ein roter Ball" });
    assertEquals(messages[0].role, "system");
    assertMatch(messages[0].content, /80 to 100 words.*language of the idea/s);
  }));

Deno.test("extend-prompt sends the key, the instruction and the settings it is given", async () => {
  Deno.env.set("SLUICE_TEST_KEY", "sk-secret\n");
  try {
    await withEndpoint([says("fine")], async (endpoint, seen) => {
      await extend({
        ...openai,
        endpoint: `${endpoint}/chat/completions`,
        apiKeyEnv: "SLUICE_TEST_KEY",
        instruction: "Shout.",
        temperature: 0,
        maxTokens: 9,
      }, ["a"]);
      assertEquals(seen[0]!.path, "/v1/chat/completions");
      assertEquals(seen[0]!.authorization, "Bearer sk-secret");
      assertEquals(seen[0]!.body.messages[0].content, "Shout.");
      assertEquals([seen[0]!.body.temperature, seen[0]!.body.max_tokens], [0, 9]);
    });
    // The key never shows in an error.
    await withEndpoint([status(401, { error: { message: "bad key" } })], async (endpoint) => {
      const error = await assertRejects(
        () => extend({ ...openai, endpoint, apiKeyEnv: "SLUICE_TEST_KEY" }, ["a"]),
        UserError,
        'refuses access, status 401 ("bad key"). Check the key in SLUICE_TEST_KEY',
      );
      assert(!error.message.includes("sk-secret"));
    });
  } finally {
    Deno.env.delete("SLUICE_TEST_KEY");
  }
});

Deno.test("extend-prompt refuses options it cannot use before the run begins", async () => {
  const cases: [Options, string][] = [
    [{ provider: "openai" }, "needs the name of a model. Set model"],
    [{ ...openai, endpoint: "localhost:11434" }, 'The endpoint cannot be "localhost:11434"'],
    [{ ...openai, endpoint: "not a url" }, "expected a URL such as http://localhost:11434/v1"],
    [{ ...openai, endpoint: "http://me:secret@host/v1" }, "holds a user name or password"],
    [{ ...openai, apiKeyEnv: "SLUICE_NO_SUCH_KEY" }, "SLUICE_NO_SUCH_KEY is to hold the API key"],
  ];
  for (const [options, message] of cases) {
    const error = await assertRejects(() => extend(options, ["a"]), UserError, message);
    assert(!error.message.includes("secret"));
  }
  assertThrows(() => extendPrompt({ apiKeyEnv: "sk-12345" }), UserError, "api-key-env");
});

Deno.test("extend-prompt tries again after 429 and 5xx", async () => {
  const failures = [
    status(429, { error: "slow down" }, { "retry-after": "0" }),
    status(503, "overloaded", { "retry-after": new Date(Date.now()).toUTCString() }),
    status(500, ""),
  ];
  for (const [i, failure] of failures.entries()) {
    await withEndpoint([failure, says("at last")], async (endpoint, seen) => {
      const { prompts } = await extend({ ...openai, endpoint, retries: 1 }, ["a"]);
      assertEquals(prompts, [{ text: "at last" }], `failure ${i}`);
      assertEquals(seen.length, 2);
    });
  }
});

Deno.test("extend-prompt tries again after a connection that breaks off", async () => {
  const good = JSON.stringify({ choices: [{ message: { content: "at last" } }] });
  // Closed at once, in the middle of the body, and whole.
  const replies = ["", "{", good];
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    for (const reply of replies) {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(1 << 16));
      if (reply === "") continue;
      const head = `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${good.length}\r\n\r\n`;
      await connection.write(new TextEncoder().encode(head + reply));
    }
  })();
  const endpoint = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/v1`;
  try {
    const { prompts } = await extend({ ...openai, endpoint, retries: 2 }, ["a"]);
    assertEquals(prompts, [{ text: "at last" }]);
    await serving;
  } finally {
    listener.close();
  }
});

/** Asks an endpoint with these answers; gives what it waited, in seconds, before it asked again. */
async function pausesOf(
  replies: readonly (() => Response)[],
  retries: number,
): Promise<{ readonly pauses: number[]; readonly asked: number; readonly outcome: unknown }> {
  const pauses: number[] = [];
  let asked = 0;
  let outcome: unknown;
  await withEndpoint(replies, async (endpoint, seen) => {
    const request = {
      url: new URL(`${endpoint}/chat/completions`),
      ...{ model: "tiny", key: undefined, keyName: undefined, timeout: 60, retries, body: {} },
    };
    const wait = (seconds: number) => Promise.resolve(void pauses.push(seconds));
    outcome = await requestChat(request, signal, wait).catch((error) => error);
    asked = seen.length;
  });
  return { pauses, asked, outcome };
}

Deno.test("requestChat() waits as long as Retry-After says, and not for ever", async () => {
  const patient = await pausesOf([status(429, "", { "retry-after": "7.5" }), says("ok")], 1);
  assertEquals(patient, { pauses: [7.5], asked: 2, outcome: "ok" });
  const past = new Date(0).toUTCString();
  const late = await pausesOf([status(503, "", { "retry-after": past }), says("ok")], 1);
  assertEquals(late, { pauses: [0], asked: 2, outcome: "ok" });
  const { outcome, ...gaveUp } = await pausesOf([status(429, "", { "retry-after": "61" })], 5);
  assertEquals(gaveUp, { pauses: [], asked: 1 });
  assertMatch(String(outcome), /^UserError: .*takes no more requests for now, status 429\. Wait/);
});

Deno.test("requestChat() gives up after its retries, with growing pauses", async () => {
  const failure = status(500, { error: { message: "out of memory" } });
  const { pauses, asked, outcome } = await pausesOf([failure], 6);
  assertMatch(String(outcome), /^Error: .*failed with status 500 \("out of memory"\)/);
  assertEquals(asked, 7);
  // Between half and all of half a second, doubled each time up to eight.
  const most = [0.5, 1, 2, 4, 8, 8];
  assertEquals(pauses.length, most.length);
  most.forEach((limit, i) =>
    assert(pauses[i]! >= limit / 2 && pauses[i]! <= limit, `${i}: ${pauses[i]} of ${limit}`)
  );
});

Deno.test("pause() ends when it is over, and at once when it is aborted", async () => {
  await pause(0, signal);
  const abort = new AbortController();
  const waiting = pause(86_400, abort.signal);
  abort.abort(new Error("Ctrl-C"));
  // Where that did nothing, this test would take a day.
  await assertRejects(() => waiting, Error, "Ctrl-C");
  await assertRejects(() => pause(86_400, abort.signal), Error, "Ctrl-C");
});

Deno.test("extend-prompt names what is wrong with an endpoint and the way out", async () => {
  const cases: [() => Response, string][] = [
    [status(404, { error: { message: "model 'tiny' not found" } }), "does not know the model tiny"],
    [
      status(400, { error: "bad max_tokens" }),
      'refuses the request, status 400 ("bad max_tokens")',
    ],
    [status(403, "<html>no</html>"), "refuses access, status 403. Set api-key-env"],
    [status(200, "<!doctype html><p>hi"), "answers with a web page: expected a chat completion"],
    [status(200, '{"choices": [{'), "answers with no valid JSON"],
    [status(200, ""), "answers with no valid JSON"],
    [
      status(200, { hello: 1 }),
      "JSON that is no chat completion: expected choices[0].message.content",
    ],
    [status(200, [1]), "JSON that is no chat completion"],
    [status(200, "null"), "JSON that is no chat completion"],
    [says(""), "The language model tiny gave an empty answer: expected a description"],
    [says(null), "gave an empty answer"],
    [says("<think>hm, let me see"), "gave an empty answer, nothing but reasoning"],
    [says('""'), "gave an empty answer"],
    [status(200, "x".repeat(2 << 20)), "answers with more than 1048576 bytes"],
  ];
  for (const [reply, message] of cases) {
    await withEndpoint([reply], async (endpoint, seen) => {
      const error = await assertRejects(
        () => extend({ ...openai, endpoint, retries: 3 }, ["a"]),
        UserError,
        message,
      );
      assert(error.message.includes("--set extend-prompt.provider=none"), error.message);
      assertEquals(seen.length, 1, message);
    });
  }
});

Deno.test("extend-prompt says so when nothing listens at the endpoint", async () => {
  // A port that was free a moment ago.
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const endpoint = `http://127.0.0.1:${port}/v1`;
  const error = await assertRejects(
    () => extend({ ...openai, endpoint, retries: 0 }, ["a"]),
    UserError,
    `${endpoint}/chat/completions cannot be reached (`,
  );
  assertMatch(error.message, /refused.*Start the server.*--set extend-prompt\.provider=none/);
  const { prompts, events } = await extend(
    { ...openai, endpoint, retries: 0, fallback: "original" },
    ["a wish"],
  );
  assertEquals(prompts, [{ text: "a wish" }]);
  assertEquals(events.map(({ type }) => type), ["warning", "prompt"]);
  const [warning] = events;
  const message = warning?.type === "warning" ? warning.message : "";
  assertMatch(message, /^The prompt is used as it was written\. .*cannot be reached/);
});

Deno.test("extend-prompt gives up a slow endpoint after its timeout, without asking again", async () => {
  // It answers when the test is over, and never otherwise.
  const [reply, release] = slow();
  await withEndpoint([reply], async (endpoint, seen) => {
    await assertRejects(
      () => extend({ ...openai, endpoint, timeout: 0.2, retries: 3 }, ["a"]),
      UserError,
      "gave no answer within 0.2 s. Raise timeout",
    );
    assertEquals(seen.length, 1);
    release();
  });
});

Deno.test("extend-prompt is aborted while it waits for an answer", async () => {
  const [reply, release] = slow();
  const abort = new AbortController();
  const aborting = () => {
    abort.abort(new Error("Ctrl-C"));
    return reply();
  };
  await withEndpoint([aborting], async (endpoint, seen) => {
    await assertRejects(
      () => extend({ ...openai, endpoint, fallback: "original" }, ["a"], abort),
      Error,
      "Ctrl-C",
    );
    assertEquals(seen.length, 1);
    release();
  });
});
