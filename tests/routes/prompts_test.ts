import { assertEquals } from "@std/assert";
import { toModelWording } from "../../plugins/extend_prompt/template.ts";
import { composePrompt, knowsSuggestions, SUGGESTIONS } from "../../routes/(_studio)/prompts.ts";
import { embedded } from "./_run.ts";

Deno.test("SUGGESTIONS are in the model's own wording: extending them changes nothing", () => {
  for (const prompt of SUGGESTIONS) {
    assertEquals(toModelWording(prompt), { text: prompt, warnings: [] });
  }
});

Deno.test("composePrompt() draws prompts that the model knows, whatever is drawn", () => {
  for (let i = 0; i < 20; i++) {
    const prompt = composePrompt(() => (i + 0.5) / 20);
    assertEquals(toModelWording(prompt), { text: prompt, warnings: [] });
  }
});

Deno.test("knowsSuggestions() is true of the embedded model alone", () => {
  assertEquals(knowsSuggestions(embedded.stages), true);
  assertEquals(
    knowsSuggestions([{ gives: "latents", options: { network: "wan2.1-1.3b" } }]),
    false,
  );
  assertEquals(knowsSuggestions([]), false);
});
