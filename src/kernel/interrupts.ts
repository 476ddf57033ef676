/**
 * @module What an interrupt (SIGINT) does to a cell.
 *
 * A synchronous cell stops where it is. A cell that waits is left, though its work goes on; unless it asked to be told
 * (`interruptSignal()`, or any SIGINT listener of its own): then it is waited for, so that a training run can finish and
 * save its step, and a second interrupt leaves it.
 */
import process from "node:process";

type Listener = NodeJS.SignalsListener;

export interface InterruptHandlers {
  /** Leaves the cell in progress. */
  readonly stop: () => void;
  /** The cell was asked to stop and is being waited for. */
  readonly onAsked: () => void;
}

/** Interrupts during one cell. */
export interface InterruptTurn {
  /** Call it when the cell has run up to its first await. */
  rearm(): void;
  /** Whether the cell was asked to stop. */
  wasAsked(): boolean;
}

export interface Interrupts {
  /** A cell begins; the one before has ended. */
  begin(): InterruptTurn;
  interrupt(): void;
  close(): void;
}

export function listenForInterrupts({ stop, onAsked }: InterruptHandlers): Interrupts {
  /** Listeners of earlier cells and of the process: they do not make this cell one that asked. */
  let known = new Set<Listener>();
  let isAsked = false;

  const onSignal = () => {
    const isListening = process.listeners("SIGINT").some((listener) => !known.has(listener));
    if (isAsked || !isListening) return stop();
    isAsked = true;
    onAsked();
  };
  process.on("SIGINT", onSignal);
  known = new Set(process.listeners("SIGINT"));

  return {
    begin() {
      isAsked = false;
      known = new Set(process.listeners("SIGINT"));
      return {
        // Node runs the cell with SIGINT in its own hands and then gives the listeners back. One that the cell added
        // meanwhile makes Node believe that the signal is caught already, and the next one would end the process. Also,
        // this listener goes first, while those of the cell can still be seen.
        rearm() {
          const others = process.rawListeners("SIGINT").filter((listener) => listener !== onSignal);
          process.removeAllListeners("SIGINT");
          for (const listener of [onSignal, ...others]) process.on("SIGINT", listener as Listener);
        },
        wasAsked: () => isAsked,
      };
    },
    interrupt: () => {
      process.emit("SIGINT");
    },
    close: () => {
      process.off("SIGINT", onSignal);
    },
  };
}
