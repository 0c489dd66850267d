import { z } from "zod";
import { definePlugin } from "../../pipeline/mod.ts";
import { stageOf } from "./_numbers.ts";

/** Numbers from what it takes on; its options show every type. */
export const count = definePlugin({
  name: "count",
  summary: "Counts up",
  takes: "number",
  gives: "number",
  options: z.object({
    count: z.int().min(1).max(100).default(3).describe("How many"),
    stepSize: z.number().multipleOf(0.5).default(1),
    mode: z.enum(["slow", "fast"]).default("fast"),
    factors: z.array(z.number()).default([1]),
    label: z.string().max(8).optional(),
    limit: z.union([z.literal("none"), z.int()]).default("none"),
    nested: z.object({ innerValue: z.number().default(7), loud: z.boolean().default(false) })
      .prefault({}),
    names: z.record(z.string(), z.number()).default({}),
  }),
  create: ({ count, stepSize }) =>
    stageOf("count", "number", "number", async function* (input) {
      for await (const from of input) {
        for (let i = 0; i < count; i++) yield from + i * stepSize;
      }
    }),
});

export const print = definePlugin({
  name: "print",
  summary: "Turns numbers into text",
  takes: "number",
  gives: "text",
  options: z.object({ digits: z.int().min(0).default(0) }),
  create: ({ digits }) =>
    stageOf("print", "number", "text", async function* (input) {
      for await (const value of input) yield value.toFixed(digits);
    }),
});

export const shout = definePlugin({
  name: "shout",
  summary: "Makes text louder",
  takes: "text",
  gives: "text",
  options: z.object({ mark: z.string() }),
  create: ({ mark }) =>
    stageOf("shout", "text", "text", async function* (input) {
      for await (const value of input) yield value.toUpperCase() + mark;
    }),
});

export const plugins = [count, print, shout];
