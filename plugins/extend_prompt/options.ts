import { z } from "zod";

export const extendPromptOptions = z.object({
  provider: z.enum(["none", "template", "openai"]).default("none").describe(
    "none passes the prompt on; template puts it into the embedded model's wording; openai asks " +
      "an OpenAI-compatible endpoint for a detailed one",
  ),
  endpoint: z.string().min(1).default("http://localhost:11434/v1").describe(
    "Base URL of the OpenAI-compatible API; the default is a local Ollama",
  ),
  model: z.string().min(1).optional().describe(
    "Name of the language model, as the endpoint knows it",
  ),
  apiKeyEnv: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/).optional().describe(
    "Name of the environment variable that holds the API key; never the key itself",
  ),
  timeout: z.number().positive().max(3600).default(60).describe(
    "Seconds to wait for one answer",
  ),
  retries: z.number().int().min(0).max(10).default(2).describe(
    "How often to ask again when the endpoint is busy, fails or cannot be reached",
  ),
  temperature: z.number().min(0).max(2).default(0.7).describe(
    "Freedom of the language model, 0-2",
  ),
  maxTokens: z.number().int().min(1).max(32768).default(1024).describe(
    "Longest answer, in the language model's tokens, its reasoning counted",
  ),
  instruction: z.string().min(1).optional().describe(
    "What to tell the language model, in place of the built-in instruction",
  ),
  cache: z.boolean().default(true).describe(
    "Keep the last 64 answers in memory, so that the same prompt is asked once",
  ),
  cacheDirectory: z.string().min(1).optional().describe(
    "Folder in which to keep the last 256 answers on disk too; by default nothing is written",
  ),
  fallback: z.enum(["error", "original"]).default("error").describe(
    "What to do when the endpoint gives no answer: stop, or use the original prompt with a warning",
  ),
});

/**
 * The schema of the options.
 *
 * @internal
 */
export type ExtendPromptSchema = typeof extendPromptOptions;

export type ExtendPromptOptions = z.output<typeof extendPromptOptions>;
