/** What Cliffy does otherwise: how the adapter's shell scripts ask the program. */
import { assertEquals } from "@std/assert";
import { CompletionsCommand } from "../../../adapters/cliffy/completions.ts";
import { Command, EnumType } from "../../../adapters/cliffy/mod.ts";

async function complete(...words: string[]): Promise<string[]> {
  const paint = new Command().type("mode", new EnumType(["draft", "fine"]))
    .option("-m, --mode <mode:mode>", "Mode.").option("--dry-run", "Print only.");
  const app = new Command().name("paint").noExit().globalOption("-v, --verbose", "Print more.");
  app.command("paint", paint).command("completions", new CompletionsCommand()).reset();
  const lines: string[] = [];
  const log = console.log;
  console.log = (text: string) => void lines.push(...text.split("\n"));
  try {
    await app.parse(["completions", "complete", "--", ...words]);
  } finally {
    console.log = log;
  }
  return lines;
}

Deno.test("CompletionsCommand offers commands, flags and an option's values", async () => {
  assertEquals(await complete(), ["paint", "completions", "--verbose", "--help"]);
  assertEquals(await complete("paint"), ["--mode", "--dry-run", "--verbose", "--help"]);
  assertEquals(await complete("paint", "--mode"), ["draft", "fine"]);
  assertEquals(await complete("paint", "-m"), ["draft", "fine"]);
});
