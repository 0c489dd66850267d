import { useEffect } from "preact/hooks";
import { healthWatch } from "../(_studio)/health.ts";

const NAMES = {
  unknown: "Ready",
  ready: "Ready",
  loading: "Loading the model",
  broken: "Model unavailable",
  gone: "Reconnecting",
} as const;

/** How the server is: a word in the header, and a bar across the page where something is wrong. */
export default function Health() {
  useEffect(() => healthWatch.start(), []);
  const { state, reason } = healthWatch.health.value;
  const wrong = state === "broken" || state === "gone";
  return (
    <>
      <span class={`health ${state}`} role="status">
        <span class="dot" aria-hidden="true" /> {NAMES[state]}
      </span>
      <div class="bar-place" role="alert">
        {wrong && (
          <p class="bar">
            {state === "gone" && <span class="spinner" aria-hidden="true" />}
            {state === "gone"
              ? "The studio does not answer. This page goes on as soon as it does."
              : reason}
          </p>
        )}
      </div>
    </>
  );
}
