/** Where a run is written and started. */
import { IS_BROWSER } from "fresh/runtime";
import { canBegin } from "../(_studio)/opening.ts";
import { composePrompt, knowsSuggestions, SUGGESTIONS } from "../(_studio)/prompts.ts";
import { errorOf, extensionOf, LONGEST_PROMPT } from "../(_studio)/request.ts";
import type { StudioStore } from "../(_studio)/store.ts";
import { describedBy, FieldError, IconButton } from "./controls.tsx";
import { Extension } from "./extension.tsx";
import { Icon } from "./icons.tsx";
import { Later } from "./later.tsx";
import { Opening } from "./opening.tsx";

/** Prompt, suggestions, extension and the buttons. */
export function Composer({ store }: { store: StudioStore }) {
  const { form, errors, pipeline } = store;
  const error = errorOf(errors.value, "prompt");
  const extension = extensionOf(pipeline.value, form.value.texts);
  return (
    <form
      class="card composer"
      aria-label="New video"
      data-live={IS_BROWSER ? "yes" : "no"}
      onSubmit={(event) => {
        event.preventDefault();
        store.submit();
      }}
    >
      <label class="title" for="prompt">Prompt</label>
      <textarea
        id="prompt"
        class="prompt"
        rows={3}
        maxLength={LONGEST_PROMPT}
        placeholder="What should be seen?"
        value={form.value.prompt}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy("prompt", { error: true })}
        onInput={(event) => store.set({ prompt: event.currentTarget.value, edited: undefined })}
      />
      <FieldError id="prompt" error={error} />
      {knowsSuggestions(pipeline.value?.stages ?? []) && <Suggestions store={store} />}
      {extension !== "none" && <Extension store={store} how={extension} />}
      {canBegin(pipeline.value) && <Later store={store} />}
      {canBegin(pipeline.value) && <Opening store={store} />}
      <Actions store={store} />
      <Problem store={store} />
    </form>
  );
}

function Suggestions({ store }: { store: StudioStore }) {
  const choose = (prompt: string) => store.set({ prompt, edited: undefined });
  return (
    <ul class="chips" aria-label="Prompts that the model knows">
      <li>
        <button type="button" class="chip strong" onClick={() => choose(composePrompt())}>
          <Icon name="dice" /> Surprise me
        </button>
      </li>
      {SUGGESTIONS.map((prompt) => (
        <li key={prompt}>
          <button type="button" class="chip" onClick={() => choose(prompt)}>{prompt}</button>
        </li>
      ))}
    </ul>
  );
}

/** The buttons keep their places, whether a run goes on or not. */
function Actions({ store }: { store: StudioStore }) {
  const { active, busy, changed, run, opening } = store;
  const waiting = busy.value || opening.sending.value !== undefined;
  const paused = run.value?.paused ?? false;
  const waits = run.value?.state === "queued";
  return (
    <>
      <div class="actions">
        {active.value
          ? (
            <button
              key="change"
              type="submit"
              class="primary"
              disabled={!changed.value || busy.value}
            >
              Change prompt <Keys />
            </button>
          )
          : (
            <button key="start" type="submit" class="primary" disabled={!IS_BROWSER || waiting}>
              Start <Keys />
            </button>
          )}
        <IconButton
          icon={paused ? "play" : "pause"}
          label={paused ? "Resume" : "Pause"}
          tone="outline"
          disabled={!active.value || waits}
          onClick={() => store.pause()}
        />
        <IconButton
          icon="stop"
          label="Stop"
          tone="outline"
          disabled={!active.value}
          onClick={() => store.stop()}
        />
      </div>
      <p class="hint">
        {active.value
          ? (
            <button type="button" class="link" disabled={waiting} onClick={() => store.start()}>
              Start another run with these settings
            </button>
          )
          : <span class="keys">Esc stops, Space plays</span>}
      </p>
    </>
  );
}

function Keys() {
  const mac = IS_BROWSER && /Mac|iPhone|iPad/.test(navigator.platform);
  return <kbd aria-hidden="true">{mac ? "⌘" : "Ctrl"} ⏎</kbd>;
}

/** What is wrong as a whole, and fields that have no place on this page. */
function Problem({ store }: { store: StudioStore }) {
  const { problem, errors } = store;
  const count = Object.keys(errors.value).length;
  const text = problem.value ??
    (count > 0
      ? `${count === 1 ? "A setting needs" : `${count} settings need`} your attention.`
      : "");
  return (
    <div role="alert">
      {text !== "" && (
        <p class="error boxed">
          <Icon name="warning" /> {text}
        </p>
      )}
    </div>
  );
}
