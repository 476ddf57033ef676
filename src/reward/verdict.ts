/**
 * @module What a grader says of an answer.
 */

/** A grader's decision, and why. */
export interface Verdict {
  readonly correct: boolean;
  /** Which rule decided, in a few words. */
  readonly reason: string;
  /** Wrong only because the grader cannot read one of the answers, or has no work left for it. */
  readonly isUnread?: true;
}
