/** The extended prompt, shown before the run and free to be edited. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { messageOf } from "../(_studio)/client.ts";
import type { StudioStore } from "../(_studio)/store.ts";
import { Switch } from "./controls.tsx";

/** Milliseconds without typing after which a prompt is extended. */
const PAUSE = 350;

/** A switch and, while it is on, what the prompt becomes. */
export function Extension({ store, how }: { store: StudioStore; how: "quick" | "slow" }) {
  const { form } = store;
  const text = useSignal("");
  const state = useSignal<"idle" | "busy" | "failed">("idle");
  const wanted = useSignal(0);

  // Asked at once where it is cheap, and on demand where a language model answers.
  useSignalEffect(() => {
    const { prompt, pipeline, extend } = form.value;
    const asked = wanted.value > 0;
    if (!extend || prompt.trim() === "" || (how === "slow" && !asked)) return;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      state.value = "busy";
      try {
        const answer = await store.client.extend(prompt, pipeline, abort.signal);
        text.value = answer.text;
        state.value = "idle";
      } catch (error) {
        if (abort.signal.aborted) return;
        text.value = messageOf(error);
        state.value = "failed";
      }
    }, how === "quick" ? PAUSE : 0);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  });

  const { extend, edited, prompt } = form.value;
  const failed = state.value === "failed" && edited === undefined;
  return (
    <div class="extension">
      <Switch
        id="extend"
        label="Extend the prompt"
        checked={extend}
        onChange={(on) => store.set({ extend: on, edited: undefined })}
      />
      {extend && (
        <div class="extended">
          <div class="field-head">
            <label for="extended">
              {edited === undefined
                ? "What the model will read"
                : "What the model will read, edited"}
            </label>
            {how === "slow" && edited === undefined && (
              <button
                type="button"
                class="link small"
                disabled={state.value === "busy" || prompt.trim() === ""}
                onClick={() => wanted.value++}
              >
                {state.value === "busy" ? "Extending …" : "Extend now"}
              </button>
            )}
            {edited !== undefined && (
              <button
                type="button"
                class="link small"
                onClick={() => store.set({ edited: undefined })}
              >
                Undo my edit
              </button>
            )}
          </div>
          <textarea
            id="extended"
            rows={2}
            value={edited ?? (failed ? "" : text.value)}
            placeholder={how === "slow" ? "The run extends it, or press Extend now." : ""}
            onInput={(event) => store.set({ edited: event.currentTarget.value })}
          />
          {failed && <p class="error" role="alert">{text.value}</p>}
        </div>
      )}
    </div>
  );
}
