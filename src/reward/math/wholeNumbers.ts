/**
 * @module Functions of several whole numbers, by name.
 */

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b));

export const OF_MANY: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  gcd,
  lcm: (a, b) => (a === 0n || b === 0n ? 0n : (a / gcd(a, b)) * b),
  max: (a, b) => (a > b ? a : b),
  min: (a, b) => (a < b ? a : b),
};
