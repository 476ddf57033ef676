/**
 * @module How a person stops long work: Jupyter's stop button and Ctrl-C both arrive as SIGINT.
 */
import process from "node:process";

/** What is shared by all signals handed out since the last interrupt; a process has one SIGINT. */
interface Current {
  controller: AbortController;
  listener: () => void;
}

const current: Current = { controller: new AbortController(), listener: () => undefined };

function listen(): void {
  process.off("SIGINT", current.listener);
  const { controller } = current;
  current.listener = () => controller.abort(new Error("interrupted"));
  process.once("SIGINT", current.listener);
}

/**
 * A signal that the next interrupt aborts: the stop button of a notebook, Ctrl-C in a script. Work that takes it
 * finishes what it must and stops. The interrupt after that ends the script, or leaves the cell, at once.
 */
export function interruptSignal(): AbortSignal {
  if (current.controller.signal.aborted) current.controller = new AbortController();
  // Not at once: a listener that is added while node:vm runs a cell in stock tslab leaves SIGINT at its default action,
  // and the interrupt would end the kernel.
  setImmediate(listen);
  return current.controller.signal;
}
