import { assertEquals } from "@std/assert";
import { optionsSchema, plugins as all } from "../../mod.ts";
import {
  buildRequest,
  errorOf,
  extensionOf,
  formOf,
  type FormState,
  messagesByField,
  runControls,
} from "../../routes/(_studio)/request.ts";
import type { OpeningView, PluginView } from "../../server/wire.ts";
import { embedded, runWith } from "./_run.ts";

const plugins: PluginView[] = all.map((plugin) => {
  const { name, summary, takes, gives } = plugin;
  return { name, summary, takes, gives, options: optionsSchema(plugin) };
});

const form: FormState = {
  prompt: " a red ball ",
  pipeline: "embedded",
  seed: "",
  extend: true,
  edited: undefined,
  texts: {},
  frames: undefined,
  opening: undefined,
  later: [],
};

Deno.test("buildRequest() sends what was set and leaves out the rest", () => {
  assertEquals(buildRequest(form, plugins), {
    errors: {},
    request: { prompt: "a red ball", pipeline: "embedded", extend: true },
  });
  const texts = {
    "diffuse.steps": "1000, 500",
    "diffuse.chunk": "2",
    "diffuse.warp-steps": "false",
  };
  assertEquals(buildRequest({ ...form, seed: "42", frames: 0, texts }, plugins).request, {
    prompt: "a red ball",
    pipeline: "embedded",
    extend: true,
    seed: 42,
    frames: 0,
    options: { "diffuse.steps": [1000, 500], "diffuse.chunk": 2, "diffuse.warp-steps": false },
  });
});

Deno.test("buildRequest() sends an extended prompt that was edited as it stands", () => {
  const { request } = buildRequest({ ...form, edited: "a red ball rises" }, plugins);
  assertEquals([request?.prompt, request?.extend], ["a red ball rises", false]);
});

Deno.test("buildRequest() names the fields that are wrong and sends nothing", () => {
  const texts = { "diffuse.chunk": "two" };
  const { request, errors } = buildRequest({ ...form, prompt: " ", seed: "-1", texts }, plugins);
  assertEquals(request, undefined);
  assertEquals(errors, {
    "prompt": "Say what to show, such as: a red ball bounces on a green floor.",
    "seed": "Expected a whole number from 0, or nothing for a seed that is drawn.",
    "options.diffuse.chunk": "Expected a number, got two.",
  });
});

Deno.test("buildRequest() refuses seeds that a number cannot hold", () => {
  for (const seed of ["9007199254740992", "1e3", "0x10", "1.5"]) {
    assertEquals(Object.keys(buildRequest({ ...form, seed }, plugins).errors), ["seed"], seed);
  }
});

Deno.test("formOf() makes the same request again", () => {
  const run = runWith({
    prompt: "changed later",
    options: { "diffuse.steps": [1000, 500], "diffuse.warp-steps": false },
    framesAsked: 9,
  });
  assertEquals(buildRequest(formOf(run), plugins).request, {
    prompt: "a red ball",
    pipeline: "embedded",
    extend: true,
    seed: 7,
    frames: 9,
    options: { "diffuse.steps": [1000, 500], "diffuse.warp-steps": false },
  });
});

Deno.test("runControls() leaves out what the server refuses for one run", () => {
  const keys = runControls(plugins.find(({ name }) => name === "diffuse")).map(({ key }) => key);
  for (const key of ["weights", "profile", "sizes", "seed", "latent-frames"]) {
    assertEquals(keys.includes(key), false, key);
  }
  assertEquals(keys.includes("chunk"), true);
});

Deno.test("errorOf() finds the message of a field, or of something within it", () => {
  const errors = { "options.diffuse.steps.1": "falling", "seed": "whole" };
  assertEquals(errorOf(errors, "options.diffuse.steps"), "falling");
  assertEquals(errorOf(errors, "options.diffuse.step"), undefined);
  assertEquals(errorOf(errors, "seed"), "whole");
});

Deno.test("extensionOf() knows whether asking is cheap", () => {
  assertEquals(extensionOf(embedded, {}), "quick");
  assertEquals(extensionOf(embedded, { "extend-prompt.provider": "openai" }), "slow");
  assertEquals(extensionOf(embedded, { "extend-prompt.provider": "none" }), "none");
  assertEquals(extensionOf({ ...embedded, stages: [] }, {}), "none");
});

Deno.test("messagesByField() keeps every message of a field, with its place", () => {
  assertEquals(
    messagesByField([
      { field: "pipeline", message: "expected a number.", line: 4, key: "stages[0].with.fps" },
      { field: "seed", message: "Expected a whole number." },
      { field: "pipeline", message: "this is no valid YAML.", line: 5 },
    ]),
    {
      pipeline: "line 4: stages[0].with.fps: expected a number.\nline 5: this is no valid YAML.",
      seed: "Expected a whole number.",
    },
  );
});

Deno.test("buildRequest() sends what the video begins with, and formOf() has it again", () => {
  const id = "u-0123456789abcdefghijklmn";
  const begun = (opening: OpeningView) => formOf(runWith({ opening }));
  const sent = (opening: OpeningView) => {
    const { image, video, strength } = buildRequest(begun(opening), plugins).request!;
    return { image, video, strength };
  };
  assertEquals(sent({ kind: "image", id }), { image: id, video: undefined, strength: undefined });
  assertEquals(sent({ kind: "video", id, strength: 0.5 }), {
    ...{ image: undefined, video: id, strength: 0.5 },
  });
  assertEquals(begun({ kind: "video", id }).opening?.poster, `/api/uploads/${id}/poster`);
  assertEquals(begun({ kind: "video", id: "0a-1" }).opening?.poster, "/api/runs/0a-1/poster");
});

Deno.test("buildRequest() sends prompts for later, leaves out empty rows and names wrong ones", () => {
  const run = runWith({ timeline: [{ at: 2.5, prompt: "b" }] });
  const again = formOf(run);
  const later = [...again.later, { at: " ", prompt: "" }, { at: "4 s", prompt: " c " }];
  assertEquals(buildRequest({ ...again, later }, plugins).request?.timeline, [
    { at: 2.5, prompt: "b" },
    { at: 4, prompt: "c" },
  ]);
  const rows = [
    ...[{ at: "0", prompt: "b" }, { at: "soon", prompt: "b" }],
    ...[{ at: "", prompt: "b" }, { at: "1", prompt: " " }],
  ];
  const time = "Expected seconds above 0, such as 2.5.";
  assertEquals(buildRequest({ ...form, later: rows }, plugins), {
    errors: {
      "timeline.0.at": time,
      "timeline.1.at": time,
      "timeline.2.at": time,
      "timeline.3.prompt": "Say what to show from there on.",
    },
  });
});
