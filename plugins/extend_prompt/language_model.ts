import { isAbsolute, join } from "@std/path";
import { UserError } from "../../pipeline/errors.ts";
import { cleanAnswer } from "./answer.ts";
import { AnswerCache } from "./answer_cache.ts";
import { type ChatRequest, requestChat } from "./chat.ts";
import { defaultInstruction } from "./instruction.ts";
import type { ExtendPromptOptions } from "./options.ts";

export interface LanguageModel {
  /** @throws {UserError} or {Error} if there is no answer; the signal's reason if it is aborted */
  extend(text: string, signal: AbortSignal): Promise<string>;
}

/**
 * A language model behind an OpenAI-compatible endpoint. Nothing is asked yet.
 * @throws {UserError} if the model, the endpoint or the key is missing
 */
export function createLanguageModel(
  options: ExtendPromptOptions,
  directory: string,
): LanguageModel {
  const { model, temperature, maxTokens, timeout, retries } = options;
  const instruction = options.instruction ?? defaultInstruction;
  if (model === undefined) {
    throw new UserError(
      `The provider openai needs the name of a model. Set model, such as --set extend-prompt.model=qwen3:4b, or --set extend-prompt.provider=none.`,
    );
  }
  const url = chatUrl(options.endpoint);
  const key = readKey(options.apiKeyEnv);
  const cache = openCache(options, directory);
  return {
    async extend(text, signal) {
      signal.throwIfAborted();
      const question = await AnswerCache.key(
        url.href,
        model,
        instruction,
        temperature,
        maxTokens,
        text,
      );
      const known = await cache?.get(question);
      if (known !== undefined) return known;
      const request: ChatRequest = {
        url,
        model,
        key,
        keyName: options.apiKeyEnv,
        timeout,
        retries,
        body: {
          model,
          messages: [
            { role: "system", content: instruction },
            { role: "user", content: text },
          ],
          temperature,
          max_tokens: maxTokens,
          stream: false,
        },
      };
      const answer = await requestChat(request, signal);
      const extended = cleanAnswer(answer);
      if (extended === "") {
        throw new UserError(
          `The language model ${model} gave an empty answer${
            answer.trim() === "" ? "" : ", nothing but reasoning"
          }: expected a description. Raise max-tokens (now ${maxTokens}), choose another model, or --set extend-prompt.provider=none.`,
        );
      }
      await cache?.set(question, extended);
      return extended;
    },
  };
}

function chatUrl(endpoint: string): URL {
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    throw badEndpoint(endpoint);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw badEndpoint(endpoint);
  if (url.username !== "" || url.password !== "") {
    // Not shown: it holds a password.
    throw new UserError(
      "The endpoint's URL holds a user name or password. Take them out and name the variable that holds the key with api-key-env.",
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "") +
    "/chat/completions";
  return url;
}

function badEndpoint(endpoint: string): UserError {
  return new UserError(
    `The endpoint cannot be ${
      JSON.stringify(endpoint)
    }: expected a URL such as http://localhost:11434/v1.`,
  );
}

function readKey(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  if (state === "denied") {
    throw new UserError(
      `The environment variable ${name}, which is to hold the API key, may not be read. Run with --allow-env=${name}.`,
    );
  }
  const key = Deno.env.get(name)?.trim();
  if (key === undefined || key === "") {
    throw new UserError(
      `The environment variable ${name} is to hold the API key and is not set. Set it, leave api-key-env out, or --set extend-prompt.provider=none.`,
    );
  }
  return key;
}

function openCache(
  { cache, cacheDirectory }: ExtendPromptOptions,
  directory: string,
): AnswerCache | undefined {
  if (!cache) return undefined;
  if (cacheDirectory === undefined) return new AnswerCache({ capacity: 64 });
  const folder = isAbsolute(cacheDirectory) ? cacheDirectory : join(directory, cacheDirectory);
  return new AnswerCache({ folder, capacity: 256 });
}
