import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import type { Prompt } from "../../pipeline/data.ts";
import { UserError } from "../../pipeline/errors.ts";
import type { StageEvent } from "../../pipeline/events.ts";
import { checkPrompt } from "../../plugins/_prompt.ts";
import { cleanAnswer } from "../../plugins/extend_prompt/answer.ts";
import extendPrompt from "../../plugins/extend_prompt/mod.ts";
import { toModelWording } from "../../plugins/extend_prompt/template.ts";

type Options = NonNullable<Parameters<typeof extendPrompt>[0]>;

interface Outcome {
  readonly prompts: Prompt[];
  readonly events: StageEvent[];
}

async function extend(
  options: Options,
  prompts: readonly (string | Prompt)[],
  { signal = new AbortController().signal, directory = "." } = {},
): Promise<Outcome> {
  const spec = extendPrompt(options);
  await using stage = await extendPrompt.create(spec.options as never, {
    device: "cpu",
    threads: 1,
    directory,
    signal,
    warn: () => {},
  });
  const events: StageEvent[] = [];
  const context = {
    signal,
    stop: signal,
    whenRunning: () => Promise.resolve(),
    report: (event: StageEvent) => void events.push(event),
  };
  const input = async function* () {
    for (const prompt of prompts) {
      yield await Promise.resolve(typeof prompt === "string" ? { text: prompt } : prompt);
    }
  };
  return { prompts: await Array.fromAsync(stage.process(input(), context)), events };
}

/** Free words and the caption that they become. */
const templates: readonly (readonly [text: string, caption: string])[] = [
  ["bouncy red ball, green grass", "a red ball bounces on a green floor"],
  ["RED BALL BOUNCING ON GREEN FLOOR", "a red ball bounces on a green floor"],
  ["ball", "a red ball hovers, grey background"],
  ["a bouncing ball", "a red ball bounces on a grey floor"],
  [
    "A huge blue cube goes left across the lawn",
    "a big blue square slides to the left on a green floor",
  ],
  [
    "a tiny golden star drifting slowly to the right",
    "a small yellow star slides to the right slowly on a grey floor",
  ],
  ["a star in the night sky", "a yellow star hovers at night"],
  ["heart-shaped balloon floating up into a blue sky", "a red heart rises on a sunny day"],
  ["a diamond ring spinning", "an orange ring spins, grey background"],
  [
    "green triangle moving from left to right",
    "a green triangle slides to the right on a grey floor",
  ],
  [
    "green triangle moving from right to left in the snow",
    "a green triangle slides to the left in the snow",
  ],
  ["Please make a video of a basketball bouncing!", "an orange ball bounces on a grey floor"],
  ["a moon rises over the ocean", "a white ball rises over the sea"],
  ["yellow sun sets behind the sea", "a yellow ball falls over the sea"],
  ["a kite flies in the wind", "a cyan diamond slides to the right on a grey floor"],
  ["a wheel rolls down the road", "a brown ring slides to the right on a grey floor"],
  ["pink ball on the left", "a pink ball hovers, grey background"],
  [
    "a turquoise gem twirling quickly against a dark wall",
    "a cyan diamond spins quickly in front of a black wall",
  ],
  ["hopping violet heart on a wooden table", "a purple heart bounces on a brown floor"],
  ["a ball that is red, the background is white", "a red ball hovers, white background"],
  ["small box, background: purple", "a small blue square hovers, purple background"],
  ["a pyramid in the desert", "a yellow triangle hovers on a yellow floor"],
  ["a cross gets bigger", "a red cross grows, grey background"],
  ["white bubble coming towards the camera", "a white ball grows, grey background"],
  ["a swinging pendulum ball", "a red ball swings, grey background"],
  ["the ball is standing still in the rain", "a red ball hovers in the rain"],
  ["circle circling", "a red ball orbits, grey background"],
  ["crimson disc orbiting around the center on black", "a red ball orbits, black background"],
  ["a snowball rolling down a hill", "a white ball slides to the right on a sunny day"],
  ["large square shrinking under the stars", "a big blue square shrinks at night"],
  ["a rotating plus sign in a white room", "a red cross spins, white background"],
  ["three green balls jumping", "a green ball bounces on a grey floor"],
  ["light blue star, winter", "a blue star hovers in the snow"],
  ["a bright green ball flies up", "a green ball rises, grey background"],
  ["an orange triangle falls", "an orange triangle falls, grey background"],
  ["orange box sinks into a lake at dusk's end", "an orange square falls over the sea"],
  ["doughnut swaying from side to side at sunset", "a brown ring swings at sunset"],
  ["a ruby getting smaller on a white background", "a red diamond shrinks, white background"],
  ["teal hoop goes round and round", "a cyan ring orbits, grey background"],
  ["lavender dice, tumbling", "a purple square spins, grey background"],
  ["a magenta heart grew on the beach", "a pink heart grows over the sea"],
  ["a big ball fell in front of a brick wall", "a big red ball falls in front of a brown wall"],
  ["starfish floating underwater", "an orange star hovers over the sea"],
  [
    "brown box on an azure carpet slides leftwards",
    "a brown square slides to the left on a blue floor",
  ],
  ["moonlit night: a purple cross soars", "a purple cross rises at night"],
  ["a rainbow and a red ball on a stormy day", "a red ball hovers in the rain"],
  ["ｂａｌｌ　ｂｏｕｎｃｉｎｇ", "a red ball bounces on a grey floor"],
];

for (const [text, caption] of templates) {
  Deno.test(`toModelWording() reads ${JSON.stringify(text)}`, () => {
    assertEquals(toModelWording(text).text, caption);
    assertEquals(toModelWording(caption), { text: caption, warnings: [] });
  });
}

Deno.test("toModelWording() leaves the model's own captions alone", () => {
  const captions = [
    "a red ball bounces on a green floor",
    "at sunset, a pink heart swings",
    "a purple square slides to the left over a white floor",
    "one yellow star spins slowly in front of a black wall",
    "an orange circle falls down past a grey background",
    "a blue triangle grows larger, white background",
    "a green ball bounces on a black floor",
    "a red square orbits the centre, grey background",
    "a pink heart swings in the rain",
    "a golden star rises over the sea at night",
    "a white diamond hovers at sunset",
    "the big crimson sphere jumps up and down on a sunny day",
    "a small teal donut moves in a circle, black background",
    "in the snow, a scarlet plus sign stands still",
  ];
  for (const caption of captions) {
    assertEquals(toModelWording(caption), { text: caption, warnings: [] });
    const shouted = `  ${caption.toUpperCase().replaceAll(" ", " \n ")}. `;
    assertEquals(toModelWording(shouted).text, caption);
  }
});

Deno.test("toModelWording() says what the model cannot do", () => {
  const cases: [string, string, RegExp][] = [
    [
      "a cat plays the piano",
      "a cat plays the piano",
      /"a cat plays the piano" names none.*Try "a red ball bounces/,
    ],
    [
      "black box falls",
      "a brown square falls, grey background",
      /never saw a black shape: it is drawn brown/,
    ],
    [
      "silver star, sunset",
      "a white star hovers at sunset",
      /never saw a silver shape: it is drawn white/,
    ],
    [
      "a red ball and a blue square",
      "a red ball hovers, grey background",
      /the ball stays, the square is left out/,
    ],
    [
      "ocean, sunset, a pink heart",
      "a pink heart hovers over the sea",
      /it gets "over the sea", and "at sunset" is left out/,
    ],
  ];
  for (const [text, expected, warning] of cases) {
    const wording = toModelWording(text);
    assertEquals(wording.text, expected);
    assertEquals(wording.warnings.length, 1, text);
    assertMatch(wording.warnings[0]!, warning);
  }
});

Deno.test("toModelWording() is idempotent and quick on any text", () => {
  const words =
    "a red black ball star ring bounces left right to the up down floor wall sunset night sea , . snow big in circle grows ; lawn is of white"
      .split(" ");
  let state = 7;
  for (let i = 0; i < 400; i++) {
    const text = Array.from({ length: 1 + i % 15 }, () => {
      state = Math.imul(state, 1664525) + 1013904223 | 0;
      return words[(state >>> 8) % words.length]!;
    }).join(" ");
    const once = toModelWording(text).text;
    assertEquals(toModelWording(once).text, once, text);
  }
  const started = performance.now();
  toModelWording("very ".repeat(4000));
  toModelWording("a red ball moving ".repeat(1000));
  assert(performance.now() - started < 2000, `${performance.now() - started} ms`);
});

Deno.test("extend-prompt passes a prompt on with provider none", async () => {
  const prompt = { text: "anything, anything", negative: "blur", seed: 3 };
  const { prompts, events } = await extend({}, [prompt]);
  assertEquals(prompts, [prompt]);
  assertEquals(events, []);
});

Deno.test("extend-prompt with provider template reports the text and warns", async () => {
  const { prompts, events } = await extend({ provider: "template" }, [
    { text: "bouncy ball", negative: "blur", seed: 3 },
    "a dog",
  ]);
  assertEquals(prompts, [
    { text: "a red ball bounces on a grey floor", negative: "blur", seed: 3 },
    { text: "a dog" },
  ]);
  assertEquals(events.map(({ type }) => type), ["prompt", "warning", "prompt"]);
  assertEquals(events[0], { type: "prompt", chunk: 0, text: "a red ball bounces on a grey floor" });
});

Deno.test("checkPrompt() refuses what is no prompt, by name", () => {
  const cases: [Prompt, string][] = [
    [{ text: "" }, "The prompt is empty"],
    [{ text: " \n\t " }, "The prompt is empty"],
    [{ text: "a red\0ball" }, "The prompt holds a NUL character at position 6"],
    [{ text: "\x1b[31mred" }, "a control character (U+001B) at position 1"],
    [{ text: "a\ud800b" }, "a control character (U+D800) at position 2"],
    [{ text: "x".repeat(100_000) }, "expected at most 20000 characters, got 100000"],
    [{ text: "a", negative: "b\x07" }, "The negative prompt holds a control character (U+0007)"],
    [{ text: "a", seed: -1 }, "The seed cannot be -1: expected a whole number from 0 to"],
    [{ text: "a", seed: 1.5 }, "The seed cannot be 1.5"],
    [{ text: "a", seed: NaN }, "The seed cannot be NaN"],
    [{ text: "a", seed: 2 ** 53 }, "The seed cannot be 9007199254740992"],
  ];
  for (const [prompt, message] of cases) {
    assertThrows(() => checkPrompt(prompt), UserError, message);
  }
  checkPrompt({ text: "ein roter Ball 🎈👩‍👩‍👧, 赤いボール\r\n\tnext line", negative: "", seed: 0 });
  checkPrompt({ text: "x".repeat(20_000), seed: Number.MAX_SAFE_INTEGER });
});

Deno.test("extend-prompt refuses a bad prompt with every provider", async () => {
  for (const provider of ["none", "template", "openai"] as const) {
    await assertRejects(
      () => extend({ provider, model: "m", endpoint: "http://localhost:9/v1" }, ["a\0b"]),
      UserError,
      "NUL character at position 2",
    );
  }
});

/** Answers each request by the next of `replies`, the last one again and again. */
async function withEndpoint(
  replies: readonly (() => Response | Promise<Response>)[],
  test: (endpoint: string, seen: SeenRequest[]) => Promise<void>,
): Promise<void> {
  const seen: SeenRequest[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const n = seen.length;
    seen.push({
      path: new URL(request.url).pathname,
      authorization: request.headers.get("authorization"),
      body: await request.json(),
      at: performance.now(),
    });
    return await replies[Math.min(n, replies.length - 1)]!();
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/v1`, seen);
  } finally {
    await server.shutdown();
  }
}

interface SeenRequest {
  readonly path: string;
  readonly authorization: string | null;
  // deno-lint-ignore no-explicit-any -- as JSON comes
  readonly body: any;
  readonly at: number;
}

function says(content: unknown) {
  return () => Response.json({ choices: [{ message: { role: "assistant", content } }] });
}

function status(code: number, body: unknown, headers: Record<string, string> = {}) {
  return () =>
    typeof body === "string"
      ? new Response(body, { status: code, headers })
      : Response.json(body, { status: code, headers });
}

const openai = { provider: "openai", model: "tiny" } as const;

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

Deno.test("extend-prompt waits as long as Retry-After says, and not for ever", async () => {
  await withEndpoint(
    [status(429, "", { "retry-after": "1" }), says("ok")],
    async (endpoint, seen) => {
      await extend({ ...openai, endpoint, retries: 1 }, ["a"]);
      const waited = seen[1]!.at - seen[0]!.at;
      assert(waited >= 990 && waited < 1900, `${waited} ms`);
    },
  );
  await withEndpoint([status(429, "", { "retry-after": "3600" })], async (endpoint, seen) => {
    await assertRejects(
      () => extend({ ...openai, endpoint, retries: 5 }, ["a"]),
      UserError,
      "takes no more requests for now, status 429. Wait a little",
    );
    assertEquals(seen.length, 1);
  });
});

Deno.test("extend-prompt gives up after its retries, with growing pauses", () =>
  withEndpoint([status(500, { error: { message: "out of memory" } })], async (endpoint, seen) => {
    const error = await assertRejects(
      () => extend({ ...openai, endpoint, retries: 2 }, ["a"]),
      Error,
      'failed with status 500 ("out of memory")',
    );
    assert(!(error instanceof UserError));
    assertEquals(seen.length, 3);
    const pauses = [seen[1]!.at - seen[0]!.at, seen[2]!.at - seen[1]!.at];
    assert(pauses[0]! >= 245 && pauses[0]! < 800, `${pauses}`);
    assert(pauses[1]! >= 495 && pauses[1]! < 1400, `${pauses}`);
  }));

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

/** A reply that comes when the test is over. */
function slow(): [reply: () => Promise<Response>, release: () => void] {
  const { promise, resolve } = Promise.withResolvers<Response>();
  return [() => promise, () => resolve(new Response("late"))];
}

Deno.test("extend-prompt gives up a slow endpoint after its timeout, without asking again", async () => {
  const [reply, release] = slow();
  await withEndpoint([reply], async (endpoint, seen) => {
    const started = performance.now();
    await assertRejects(
      () => extend({ ...openai, endpoint, timeout: 0.2, retries: 3 }, ["a"]),
      UserError,
      "gave no answer within 0.2 s. Raise timeout",
    );
    assert(performance.now() - started < 1500);
    assertEquals(seen.length, 1);
    release();
  });
});

Deno.test("extend-prompt is aborted at once while it waits for an answer or to try again", async () => {
  const [reply, release] = slow();
  for (const first of [reply, status(429, "", { "retry-after": "30" })]) {
    await withEndpoint([first], async (endpoint) => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error("Ctrl-C")), 100);
      const started = performance.now();
      await assertRejects(
        () => extend({ ...openai, endpoint, fallback: "original" }, ["a"], abort),
        Error,
        "Ctrl-C",
      );
      assert(performance.now() - started < 1000);
      release();
    });
  }
});

Deno.test("extend-prompt asks once for the same prompt", () =>
  withEndpoint([says("one"), says("two"), says("three")], async (endpoint, seen) => {
    const { prompts } = await extend({ ...openai, endpoint }, ["a", "b", { text: "a", seed: 2 }]);
    assertEquals(prompts.map(({ text }) => text), ["one", "two", "one"]);
    assertEquals(seen.length, 2);
    await extend({ ...openai, endpoint, cache: false }, ["a", "a"]);
    assertEquals(seen.length, 4);
  }));

Deno.test("extend-prompt keeps answers on disk where it is told to", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await withEndpoint([says("one"), says("two")], async (endpoint, seen) => {
      const options = { ...openai, endpoint, cacheDirectory: "answers" };
      await extend(options, ["a"], { directory });
      const again = await extend(options, ["a"], { directory });
      assertEquals(again.prompts, [{ text: "one" }]);
      assertEquals(seen.length, 1);
      // Whatever shapes the answer makes it another question.
      const warmer = await extend({ ...options, temperature: 1 }, ["a"], { directory });
      assertEquals(warmer.prompts, [{ text: "two" }]);
      const file = join(directory, "answers", "extend-prompt.json");
      assertEquals([...Deno.readDirSync(join(directory, "answers"))].length, 1);
      await Deno.writeTextFile(file, "{ damaged");
      await extend(options, ["a"], { directory });
      assertEquals(seen.length, 3);
      await assertRejects(
        () =>
          extend({ ...options, cacheDirectory: "answers/extend-prompt.json" }, ["c"], {
            directory,
          }),
        UserError,
        "Answers cannot be kept in " + join(file, "extend-prompt.json"),
      );
      // It never grows beyond 256 answers.
      const many = Array.from({ length: 300 }, (_, i) => [`key ${i}`, "x"]);
      await Deno.writeTextFile(file, JSON.stringify(many));
      await extend(options, ["b"], { directory });
      assertEquals(JSON.parse(await Deno.readTextFile(file)).length, 256);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("cleanAnswer() leaves the description alone", () => {
  const cases: [string, string][] = [
    ["<think>red?\nyes</think>\n\nA red ball.", "A red ball."],
    ["no first tag</think> A ball.", "A ball."],
    ["A ball. <think>and then", "A ball."],
    ["```text\nA ball.\n```", "A ball."],
    ['"A ball."', "A ball."],
    ["«„A ball.“»", "A ball."],
    ['"A" and "B"', '"A" and "B"'],
    ["**A ball.**", "A ball."],
    ["It's a ball's day", "It's a ball's day"],
    ["A\0 ball\u0007\r\n\r\nrolls", "A ball rolls"],
    ["一个红球。", "一个红球。"],
    ["  ", ""],
  ];
  for (const [answer, expected] of cases) assertEquals(cleanAnswer(answer), expected, answer);
  const long = cleanAnswer("word, ".repeat(1000));
  assert(long.length <= 2000 && long.length > 1980);
  assert(long.endsWith("word"));
  assertEquals(cleanAnswer("球".repeat(3000)).length, 2000);
  const emoji = cleanAnswer("x" + "🎈".repeat(1500));
  assert(emoji.isWellFormed());
});
