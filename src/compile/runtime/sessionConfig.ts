/**
 * @module ONNX Runtime's session settings by its own names (`onnxruntime_session_options_config_keys.h`).
 */
import type { LoadableGraph, RuntimeOptions } from "./session.js";

/**
 * Every session has threads of its own, which spin while they wait: they are told to stop between runs, or else they
 * would take a core from the next session's for tens of milliseconds. Graphs that map files are neither folded nor
 * packed: both would put what is mapped into memory, widened.
 */
export function sessionConfig({ folder }: LoadableGraph, options: RuntimeOptions): Record<string, string> {
  const isMapped = folder !== undefined;
  const { folds = !isMapped, prepacks = !isMapped } = options;
  return {
    "session.set_denormal_as_zero": "1",
    "session.force_spinning_stop": "1",
    ...(isMapped ? { "session.model_external_initializers_file_folder_path": folder } : {}),
    ...(prepacks ? {} : { "session.disable_prepacking": "1" }),
    ...(folds ? {} : { "optimization.disable_specified_optimizers": "ConstantFolding" }),
  };
}
