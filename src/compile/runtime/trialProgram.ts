/**
 * @module The program that `devices.ts` starts: tries the device that it is given and prints the result.
 */
import process from "node:process";
import type { Device } from "./session.js";
import { tryDevice } from "./trial.js";

const trial = await tryDevice(process.argv[2] as Device);
process.stdout.write(JSON.stringify(trial));
