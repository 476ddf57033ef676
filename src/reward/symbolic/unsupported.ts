/**
 * @module What stops a symbolic test: an expression that it does not read or that would take too long. Caught by
 * `isZero`, where it becomes a verdict with a reason.
 */
import { SharegrpoError } from "../../core/errors.js";

export class UnsupportedExpression extends SharegrpoError {}
