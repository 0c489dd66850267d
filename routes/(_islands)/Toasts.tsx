import { IconButton } from "../(_components)/controls.tsx";
import { hideToast, toasts } from "../(_studio)/toasts.ts";

/** Short messages at the bottom of the page. */
export default function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, text, tone, action }) => (
        <div key={id} class={`toast ${tone}`}>
          <p>{text}</p>
          {action !== undefined && (
            <button
              type="button"
              class="link"
              onClick={() => {
                hideToast(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton icon="close" label="Dismiss" onClick={() => hideToast(id)} />
        </div>
      ))}
    </div>
  );
}
