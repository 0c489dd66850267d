/** The pipeline's text, whether it is right, and saving it. */
import type { PipelineStore } from "../(_studio)/pipeline_store.ts";
import { describedBy, Field } from "./controls.tsx";
import { Icon } from "./icons.tsx";

const STATES = {
  right: "Valid",
  wrong: "Not valid",
  checking: "Checking",
  unknown: "Could not be checked",
} as const;

/** A text to write in, checked while one writes. */
export function PipelineFile({ store }: { store: PipelineStore }) {
  const state = store.state.value;
  return (
    <section class="card pipeline-file" aria-label="File">
      <div class="field-head">
        <label class="title" for="yaml">YAML</label>
        <span class={`validity ${state}`} role="status">
          <span class="dot" aria-hidden="true" /> {STATES[state]}
        </span>
      </div>
      <textarea
        id="yaml"
        class="yaml"
        rows={24}
        spellcheck={false}
        autocomplete="off"
        wrap="off"
        value={store.text.value}
        aria-invalid={state === "wrong"}
        aria-describedby="problems"
        onInput={(event) => store.edit(event.currentTarget.value)}
      />
      <Problems store={store} />
      <SaveBar store={store} />
    </section>
  );
}

function Problems({ store }: { store: PipelineStore }) {
  return (
    <div id="problems" role="alert">
      <ul class="problems">
        {store.problems.value.map(({ line, column, key, message }) => (
          <li key={`${line} ${key} ${message}`} class="error">
            <Icon name="warning" />
            <span>
              {line !== undefined && (
                <>
                  <button
                    type="button"
                    class="link number"
                    onClick={() => goTo(line, column ?? 1)}
                  >
                    Line {line}
                  </button>
                  {": "}
                </>
              )}
              {key !== undefined && (
                <>
                  <code>{key}</code>
                  {": "}
                </>
              )}
              {message}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Puts the cursor where a problem is. */
function goTo(line: number, column: number): void {
  const area = document.querySelector<HTMLTextAreaElement>("#yaml");
  if (area === null) return;
  const before = area.value.split("\n").slice(0, line - 1);
  const place = before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  area.focus();
  area.setSelectionRange(place, place);
}

function SaveBar({ store }: { store: PipelineStore }) {
  const error = store.nameError.value;
  const own = store.pipelines.value.find(({ name, builtIn }) =>
    name === store.name.value && !builtIn
  );
  return (
    <form
      class="save-bar"
      aria-label="Save"
      onSubmit={(event) => {
        event.preventDefault();
        store.save();
      }}
    >
      <Field id="name" label="Save as" error={error}>
        <div class="with-button">
          <input
            id="name"
            type="text"
            autocomplete="off"
            spellcheck={false}
            maxLength={64}
            value={store.name.value}
            aria-invalid={error !== undefined}
            aria-describedby={describedBy("name", { error: true })}
            onInput={(event) => {
              store.name.value = event.currentTarget.value;
              store.nameError.value = undefined;
            }}
          />
          <button
            type="submit"
            class="primary"
            disabled={store.saving.value || store.state.value !== "right"}
          >
            {own === undefined ? "Save" : "Save over"}
          </button>
          <button
            type="button"
            class="secondary"
            disabled={!store.changed.value}
            onClick={() => store.revert()}
          >
            Revert
          </button>
        </div>
      </Field>
    </form>
  );
}
