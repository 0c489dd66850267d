import { assertEquals } from "@std/assert";
import { z } from "zod";
import { optionsOf, pluginFlags, showValue } from "../../cli/flags.ts";
import { definePlugin } from "../../pipeline/define.ts";

const plugin = definePlugin({
  name: "do-it",
  summary: "Does it.",
  takes: "frames",
  gives: "frames",
  options: z.object({
    keyInterval: z.number().int().min(1).optional().describe("Pictures."),
    mode: z.enum(["a", "b"]).default("a").describe("Mode"),
    sizes: z.array(z.number()).default([1, 2]).describe("Sizes"),
    preset: z.coerce.string().optional().describe("Preset"),
    size: z.union([z.number(), z.enum(["big"])]).default("big").describe("Size"),
    nested: z.object({ deepKey: z.string().default("x") }).optional(),
  }),
  create() {
    throw new Error("not made in this test");
  },
});

Deno.test("optionsOf() tells name, type, default and values of each option", () => {
  assertEquals(optionsOf(plugin).map(({ name, type }) => [name, type]), [
    ["key-interval", "integer"],
    ["mode", '"a" | "b"'],
    ["sizes", "number[]"],
    ["preset", "string"],
    ["size", 'number | "big"'],
    ["nested", "object"],
  ]);
  assertEquals(optionsOf(plugin)[1]?.values, ["a", "b"]);
  assertEquals("default" in (optionsOf(plugin)[0] ?? {}), false);
});

Deno.test("pluginFlags() gives a flag an option, with type, key and default; none to what is nested", () => {
  const flags = pluginFlags([plugin]);
  assertEquals(flags.map(({ flag, key, type }) => [flag, key, type]), [
    ["do-it-key-interval", "doItKeyInterval", "integer"],
    ["do-it-mode", "doItMode", "do-it-mode"],
    ["do-it-sizes", "doItSizes", "number[]"],
    ["do-it-preset", "doItPreset", "string"],
    ["do-it-size", "doItSize", "string"],
  ]);
  assertEquals(flags.slice(0, 3).map(({ description }) => description), [
    "Pictures.",
    "Mode (default: a).",
    "Sizes (default: 1,2).",
  ]);
});

Deno.test("showValue() writes values as one would type them", () => {
  assertEquals([[1, 2], "a b", "", true, 1.5, null].map(showValue), [
    "1,2",
    "a b",
    '""',
    "true",
    "1.5",
    "null",
  ]);
});
