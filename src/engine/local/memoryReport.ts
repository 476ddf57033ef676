/**
 * @module What this process takes.
 */
import process from "node:process";
import type { EngineReport } from "../engine.js";

/** Resident memory now and at most. */
export async function memoryReport(): Promise<EngineReport> {
  return {
    residentBytes: process.memoryUsage.rss(),
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}
