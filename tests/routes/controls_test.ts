import { assertEquals } from "@std/assert";
import { optionsSchema, plugins } from "../../mod.ts";
import {
  type Control,
  controlsOf,
  readControl,
  showValue,
} from "../../routes/(_studio)/controls.ts";

function controls(name: string): Map<string, Control> {
  const plugin = plugins.find((each) => each.name === name)!;
  return new Map(controlsOf(optionsSchema(plugin)).map(({ key, control }) => [key, control]));
}

Deno.test("controlsOf() makes a fitting control of each option of the built-in plugins", () => {
  const diffuse = controls("diffuse");
  assertEquals(diffuse.get("noise"), { kind: "choice", values: ["philox", "mt19937"] });
  assertEquals(diffuse.get("warp-steps"), { kind: "switch" });
  assertEquals(diffuse.get("weights"), { kind: "text" });
  assertEquals(diffuse.get("sizes"), { kind: "data" });
  assertEquals(diffuse.get("steps"), { kind: "numbers", single: true });
  // More than 0, and a largest number that is no bound but that of numbers themselves.
  assertEquals(diffuse.get("chunk"), {
    kind: "number",
    whole: true,
    min: 1,
    step: 1,
    slider: false,
  });
  const extend = controls("extend-prompt");
  assertEquals(extend.get("temperature"), {
    kind: "number",
    whole: false,
    min: 0,
    max: 2,
    step: 0.05,
    slider: true,
  });
});

Deno.test("controlsOf() keeps label, help and what holds by default", () => {
  const schema = {
    properties: { "max-tokens": { type: "integer", default: 1024, description: "Longest answer" } },
  };
  assertEquals(controlsOf(schema), [{
    key: "max-tokens",
    label: "Max tokens",
    help: "Longest answer",
    control: { kind: "number", whole: true, step: 1, slider: false },
    standard: 1024,
  }]);
  assertEquals(controlsOf({}), []);
});

Deno.test("readControl() gives values of the right type", () => {
  const whole: Control = { kind: "number", whole: true, step: 1, slider: false };
  assertEquals(readControl(whole, " 12 "), { value: 12 });
  assertEquals(readControl({ kind: "switch" }, "false"), { value: false });
  assertEquals(readControl({ kind: "numbers" }, "1000, 750 500"), { value: [1000, 750, 500] });
  assertEquals(readControl({ kind: "numbers" }, "[1000,500]"), { value: [1000, 500] });
  assertEquals(readControl({ kind: "numbers" }, "50"), { value: [50] });
  assertEquals(readControl({ kind: "numbers", single: true }, "50"), { value: 50 });
  assertEquals(readControl({ kind: "text" }, " cpu "), { value: "cpu" });
  assertEquals(readControl({ kind: "data" }, '{"dim": 8}'), { value: { dim: 8 } });
  assertEquals(readControl({ kind: "data" }, "style.safetensors"), { value: "style.safetensors" });
});

Deno.test("readControl() says what it expected", () => {
  const whole: Control = { kind: "number", whole: true, step: 1, slider: false };
  assertEquals(readControl(whole, "1.5"), { error: "Expected a whole number, got 1.5." });
  assertEquals(readControl(whole, "many"), { error: "Expected a number, got many." });
  assertEquals(readControl({ kind: "numbers" }, "1, x"), {
    error: "Expected numbers with commas between, got x.",
  });
  assertEquals(readControl({ kind: "data" }, "{oops").value, undefined);
});

Deno.test("readControl() takes nothing for nothing, whatever the control", () => {
  for (const kind of ["switch", "numbers", "text", "data"] as const) {
    assertEquals(readControl({ kind }, "  "), {});
  }
});

Deno.test("showValue() and readControl() undo each other", () => {
  const cases: [Control, unknown][] = [
    [{ kind: "numbers" }, [1000, 750, 500.5]],
    [{ kind: "data" }, [{ path: "a.safetensors", scale: 0.5 }]],
    [{ kind: "switch" }, true],
    [{ kind: "number", whole: false, step: "any", slider: false }, 0.25],
  ];
  for (const [control, value] of cases) {
    assertEquals(readControl(control, showValue(value)), { value });
  }
});
