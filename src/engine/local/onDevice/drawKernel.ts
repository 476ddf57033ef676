/**
 * @module Draws tokens from rows of probabilities in memory of a device: the same tokens as sampling.ts, or a flag.
 *
 * Sums are taken in parts and so round otherwise than one after another, by at most V·2⁻⁵³. Where a sum comes closer than
 * a margin to what it is compared with, rounding could decide: the row is flagged, and drawn on the host. Top-k and
 * top-p need no sorted vocabulary: floats above 0 are in the order of their bits, so the probability at which the
 * sorted sum passes a mark is found bit by bit, with one pass over the row for each; equal ones are in order of id.
 */
import type { DeviceKernel } from "../../../compile/runtime/deviceKernel.js";
import { argmax, settledToken } from "../sampling.js";

/** Threads of a row: the kernel's arrays have their length. */
export const DRAW_THREADS = 512;

const SOURCE = `
typedef long long int64;
#define THREADS ${DRAW_THREADS}
#define GROUP 32
#define GROUPS (THREADS / GROUP)

struct Shared { double sums[THREADS]; double counts[THREADS]; double groups[GROUPS]; };

// Sums of both arrays over all threads.
__device__ void total(Shared& shared, double& sum, double& count) {
  int t = threadIdx.x;
  shared.sums[t] = sum;
  shared.counts[t] = count;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (t < half) {
      shared.sums[t] += shared.sums[t + half];
      shared.counts[t] += shared.counts[t + half];
    }
    __syncthreads();
  }
  sum = shared.sums[0];
  count = shared.counts[0];
  __syncthreads();
}

// Which of THREADS parts, with these sums, takes the running sum past the target; THREADS: none. The same in all threads.
__device__ int partPassing(Shared& shared, double mine, double& before, double target) {
  int t = threadIdx.x;
  shared.sums[t] = mine;
  __syncthreads();
  if (t < GROUPS) {
    double sum = 0;
    for (int i = 0; i < GROUP; i++) sum += shared.sums[t * GROUP + i];
    shared.groups[t] = sum;
  }
  __syncthreads();
  int group = 0, part = THREADS;
  while (group < GROUPS && !(before + shared.groups[group] > target)) before += shared.groups[group++];
  for (int i = 0; group < GROUPS && i < GROUP; i++) {
    double one = shared.sums[group * GROUP + i];
    if (before + one > target) { part = group * GROUP + i; break; }
    before += one;
  }
  __syncthreads();
  return part;
}

__device__ bool near(double sum, double target, double margin) { return fabs(sum - target) < margin; }

// The first of the largest; -1 where a number is none.
__device__ int largest(Shared& shared, const float* p, int V) {
  int t = threadIdx.x, at = 0;
  float best = -1;
  double broken = 0, none = 0;
  for (int token = t; token < V; token += THREADS) {
    if (!(p[token] >= 0)) broken = 1;
    if (p[token] > best) { best = p[token]; at = token; }
  }
  total(shared, broken, none);
  if (broken > 0) return -1;
  shared.sums[t] = best;
  shared.counts[t] = at;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (t < half) {
      double other = shared.sums[t + half];
      if (other > shared.sums[t] || (other == shared.sums[t] && shared.counts[t + half] < shared.counts[t])) {
        shared.sums[t] = other;
        shared.counts[t] = shared.counts[t + half];
      }
    }
    __syncthreads();
  }
  return (int)shared.counts[0];
}

// The token in which the running sum over all tokens passes the target; -1 where rounding decides.
__device__ int inOrderOfId(Shared& shared, const float* p, int V, double target, double margin) {
  int t = threadIdx.x;
  // Parts of neighbouring tokens: a group of threads reads one together, and each of its threads sums every GROUP-th.
  int length = (V + GROUPS - 1) / GROUPS, start = t / GROUP * length;
  int end = min(V, start + length);
  double sum = 0;
  for (int token = start + t % GROUP; token < end; token += GROUP) sum += p[token];
  shared.sums[t] = sum;
  __syncthreads();
  double before = 0;
  int group = 0;
  for (; group < GROUPS; group++) {
    double whole = 0;
    for (int i = 0; i < GROUP; i++) whole += shared.sums[group * GROUP + i];
    if (before + whole > target) break;
    before += whole;
  }
  __syncthreads();
  if (group == GROUPS) return -1;
  start = group * length;
  end = min(V, start + length);
  int few = (length + THREADS - 1) / THREADS;
  sum = 0;
  for (int i = 0; i < few && start + t * few + i < end; i++) sum += p[start + t * few + i];
  int part = partPassing(shared, sum, before, target);
  if (part == THREADS) return -1;
  for (int i = 0; i < few && start + part * few + i < end; i++) {
    float one = p[start + part * few + i];
    double after = before + one;
    if (one > 0 && after > target)
      return near(before, target, margin) || near(after, target, margin) ? -1 : start + part * few + i;
    before = after;
  }
  return -1;
}

// Mass and number of tokens whose probability has at least these bits.
__device__ void atLeast(Shared& shared, const float* p, int V, unsigned bits, double& mass, double& count) {
  mass = count = 0;
  for (int token = threadIdx.x; token < V; token += THREADS) {
    if (p[token] > 0 && __float_as_uint(p[token]) >= bits) { mass += p[token]; count += 1; }
  }
  total(shared, mass, count);
}

// A probability in the sorted row: mass and number of the tokens before it, and up to the last of its equals.
struct Place { unsigned bits; double massBefore, countBefore, mass, count; };

// The largest probability with which the sorted sum passes a mass or reaches a number; bits 0: none does.
__device__ Place passing(Shared& shared, const float* p, int V, double mark, double most) {
  Place place = {0, 0, 0, 0, 0};
  double mass, count;
  atLeast(shared, p, V, 1, mass, count);
  place.mass = mass;
  place.count = count;
  if (!(mass > mark) && !(count >= most)) return place;
  for (unsigned bit = 1u << 29; bit > 0; bit >>= 1) {
    atLeast(shared, p, V, place.bits | bit, mass, count);
    if (mass > mark || count >= most) {
      place.bits |= bit;
      place.mass = mass;
      place.count = count;
    } else {
      place.massBefore = mass;
      place.countBefore = count;
    }
  }
  return place;
}

// Which of equal tokens takes the sum past a mark, counted from 1; 0 where rounding decides.
__device__ double equalPassing(const Place& place, double mark, double last, double margin) {
  double p = __uint_as_float(place.bits);
  double at = floor((mark - place.massBefore) / p) + 1;
  if (at > last) at = last;
  if (!(at >= 1)) return 0;
  bool isNear = near(place.massBefore + at * p, mark, margin) || near(place.massBefore + (at - 1) * p, mark, margin);
  return isNear ? 0 : at;
}

// The token in which the running sum over the sorted, cut vocabulary passes its share; -1 where rounding decides.
__device__ int inOrderOfProbability(
    Shared& shared, const float* p, int V, double uniform, double topP, double topK, double margin) {
  double mark = topP < 1 ? topP : 1e300, most = topK > 0 ? topK : 1e300;
  Place cut = passing(shared, p, V, mark, most);
  double kept = cut.mass, equals = 0;
  if (cut.bits > 0) {
    equals = fmin(cut.count, most) - cut.countBefore;
    if (cut.massBefore + equals * __uint_as_float(cut.bits) > mark - margin)
      equals = equalPassing(cut, mark, equals, margin);
    if (!(equals >= 1)) return -1;
    kept = cut.massBefore + equals * __uint_as_float(cut.bits);
  } else if (near(kept, mark, margin)) {
    return -1;
  }
  double target = uniform * kept;
  bool isCut = cut.bits > 0 && !(cut.massBefore > target);
  Place place = isCut ? cut : passing(shared, p, V, target, 1e300);
  if (place.bits == 0) return -1;
  double nth = equalPassing(place, target, isCut ? equals : place.count - place.countBefore, margin);
  if (!(nth >= 1)) return -1;
  int few = (V + THREADS - 1) / THREADS, start = threadIdx.x * few;
  double mine = 0;
  for (int i = start; i < start + few && i < V; i++) mine += __float_as_uint(p[i]) == place.bits;
  double before = 0;
  int part = partPassing(shared, mine, before, nth - 0.5);
  for (int i = part * few; part < THREADS && i < part * few + few && i < V; i++) {
    before += __float_as_uint(p[i]) == place.bits;
    if (before > nth - 0.5) return i;
  }
  return -1;
}

// One row a block. Drawn [3, rows]: token, its probability's bits, and 1 where the host must draw.
extern "C" __global__ void draw_rows(
    const float* probs, const double* uniforms, int* drawn, int rows, int V, int share,
    int isGreedy, double topP, int topK, double margin) {
  __shared__ Shared shared;
  int row = blockIdx.x;
  double uniform = uniforms[row];
  if (!(uniform >= 0)) return;
  const float* p = probs + (int64)(row / share) * V;
  int token;
  if (isGreedy) token = largest(shared, p, V);
  else if (topP >= 1 && topK <= 0) token = inOrderOfId(shared, p, V, uniform, margin);
  else token = inOrderOfProbability(shared, p, V, uniform, topP, topK, margin);
  if (threadIdx.x > 0) return;
  drawn[row] = token < 0 ? 0 : token;
  drawn[rows + row] = (int)__float_as_uint(p[token < 0 ? 0 : token]);
  drawn[2 * rows + row] = token < 0;
}
`;

/** `probs` `[≥ rows / share, V]` f32, `uniforms` `[rows]` f64 (NaN: draws nothing), `drawn` `[3, rows]` i32. */
export const DRAW_ROWS: DeviceKernel<
  "probs" | "uniforms" | "drawn" | "rows" | "V" | "share" | "isGreedy" | "topP" | "topK" | "margin"
> = {
  name: "draw_rows",
  source: SOURCE,
  parameters: {
    ...({ probs: "int64", uniforms: "int64", drawn: "int64", rows: "int32", V: "int32" } as const),
    ...({ share: "int32", isGreedy: "int32", topP: "float64", topK: "int32", margin: "float64" } as const),
  },
  onHost(memory, { rows, V, share, isGreedy, topP, topK, margin, ...at }) {
    const uniforms = new Float64Array(memory(at.uniforms, 8 * rows));
    const drawn = new Int32Array(memory(at.drawn, 12 * rows));
    const probabilities = new Float32Array(memory(at.drawn + 4 * rows, 4 * rows));
    for (const [row, uniform] of uniforms.entries()) {
      if (Number.isNaN(uniform)) continue;
      const p = new Float32Array(memory(at.probs + 4 * V * Math.floor(row / share), 4 * V));
      const token = isGreedy ? argmax(p) : settledToken(p, uniform, { topP, topK }, margin);
      drawn[row] = token ?? 0;
      probabilities[row] = p[token ?? 0] as number;
      drawn[2 * rows + row] = token === undefined ? 1 : 0;
    }
  },
};
