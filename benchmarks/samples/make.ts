/**
 * @module `node dist/benchmarks/samples/make.js [folder]`: writes the sample files anew.
 */
import { join } from "node:path";
import process from "node:process";
import { samplesFolder } from "../data/locate.js";
import { writeSamples } from "./samples.js";
import { writeTrainSamples } from "./trainFiles.js";

const folder = process.argv[2] ?? samplesFolder();
const paths = [...(await writeSamples(folder)), ...(await writeTrainSamples(join(folder, "train")))];
for (const path of paths) process.stdout.write(`${path}\n`);
