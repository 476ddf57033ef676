/**
 * @module `node dist/benchmarks/samples/make.js [folder]`: writes the sample files anew.
 */
import process from "node:process";
import { samplesFolder } from "../data/locate.js";
import { writeSamples } from "./samples.js";

for (const path of await writeSamples(process.argv[2] ?? samplesFolder())) process.stdout.write(`${path}\n`);
