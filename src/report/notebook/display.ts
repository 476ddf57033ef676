/**
 * @module Rich output where a notebook listens, plain text where none does.
 *
 * A value shows itself through `Symbol.for("Jupyter.display")`, the symbol that Deno's kernel uses: as the last value of
 * a cell it needs no call. `display` shows a value in the middle of a cell; `liveDisplay` replaces what it showed.
 */
import { createRequire } from "node:module";
import process from "node:process";

/** A method of this name returns what a notebook shows of a value. */
export const JUPYTER_DISPLAY: unique symbol = Symbol.for("Jupyter.display");
/** A property of this name on a bundle holds the output's metadata: the width of an image. */
export const JUPYTER_METADATA: unique symbol = Symbol.for("Jupyter.metadata");

/** One output in several forms, by media type; a front end picks the richest it knows. */
export interface MimeBundle {
  readonly "text/plain": string;
  readonly "text/html"?: string;
  readonly "text/markdown"?: string;
  readonly "image/svg+xml"?: string;
  /** Base64. */
  readonly "image/png"?: string;
  readonly "application/vnd.plotly.v1+json"?: object;
  readonly [JUPYTER_METADATA]?: Readonly<Record<string, object>>;
}

/** Something that a notebook can show. */
export interface Displayable {
  [JUPYTER_DISPLAY](): MimeBundle | Promise<MimeBundle>;
}

/** One message to the notebook, as tslab takes it. */
interface DisplayMessage {
  readonly data: MimeBundle;
  readonly metadata: object;
  readonly transient: { readonly display_id?: string };
}
type Send = (message: DisplayMessage, isUpdate: boolean) => void;

/**
 * tslab's sender, which takes a whole bundle; undefined outside a notebook. The kernel has its own modules loaded, and
 * a script has not, so nothing is loaded here to find out.
 */
function notebookSender(): Send | undefined {
  const require = createRequire(import.meta.url);
  let path: string;
  try {
    path = require.resolve("tslab/dist/jupyter.js");
  } catch {
    return undefined; // tslab is not installed beside this library
  }
  const { lastWriteDisplayData: send } = (require.cache[path]?.exports ?? {}) as {
    lastWriteDisplayData?: Send | null;
  };
  return send ?? undefined;
}

/** Whether a notebook is listening. */
export function isNotebook(): boolean {
  return notebookSender() !== undefined;
}

function showBundle(bundle: MimeBundle, id?: string, isUpdate = false): void {
  const send = notebookSender();
  if (send === undefined) {
    process.stdout.write(`${bundle["text/plain"]}\n`);
    return;
  }
  const metadata = bundle[JUPYTER_METADATA] ?? {};
  send({ data: bundle, metadata, transient: id === undefined ? {} : { display_id: id } }, isUpdate);
}

/** Shows a value here and now; in a script, its plain text on standard output. */
export async function display(value: Displayable): Promise<void> {
  showBundle(await value[JUPYTER_DISPLAY]());
}

/** An output that can be replaced. */
export interface LiveDisplay {
  /** Shows a bundle in place of the one before; a script is shown nothing. */
  show(bundle: MimeBundle): void;
}

/** A place in the notebook for output that changes. @param id unique in the notebook */
export function liveDisplay(id: string): LiveDisplay {
  let isShown = false;
  return {
    show(bundle) {
      if (!isNotebook()) return;
      showBundle(bundle, id, isShown);
      isShown = true;
    },
  };
}
