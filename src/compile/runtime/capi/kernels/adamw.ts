/**
 * @module AdamW on a card, as CUDA C++: the arithmetic of optim/adamwInPlace.ts, number by number, rounded to float32
 * after each operation (which asks for `--fmad=false`); and the gradients' sum of squares in float64, whose order of
 * summation depends on the number of numbers alone.
 */

/** Threads of `squares`, and of `fold`. What they leave is added up by the host, in order. */
export const SQUARES = { blocks: 1024, threads: 256 } as const;
export const FOLD = { blocks: 16, threads: 256 } as const;

/**
 * `adamw(params, grads, first, second, n, clip, b1, rest1, b2, rest2, rate, root2, eps, kept)`: one step in place.
 * `squares(x, n, partial)`: thread t leaves Σ x² of its numbers in `partial[t]`.
 * `fold(partial, n, sums)`: thread t leaves the sum of its partial sums in `sums[t]`.
 */
export const ADAMW_SOURCE = `
#define FIRST (blockIdx.x * (long long)blockDim.x + threadIdx.x)
#define STRIDE (gridDim.x * (long long)blockDim.x)

extern "C" __global__ void adamw(float *params, const float *grads, float *first, float *second, long long n,
    float clip, float b1, float rest1, float b2, float rest2, float rate, float root2, float eps, float kept) {
  for (long long i = FIRST; i < n; i += STRIDE) {
    float g = grads[i] * clip;
    float m = first[i] * b1 + g * rest1;
    float v = second[i] * b2 + g * g * rest2;
    float ratio = m / (sqrtf(v) / root2 + eps);
    params[i] = params[i] * kept - rate * ratio;
    first[i] = m;
    second[i] = v;
  }
}

extern "C" __global__ void squares(const float *x, long long n, double *partial) {
  double sum = 0;
  #pragma unroll 4
  for (long long i = FIRST; i < n; i += STRIDE) sum += (double)x[i] * (double)x[i];
  partial[FIRST] = sum;
}

extern "C" __global__ void fold(const double *partial, long long n, double *sums) {
  double sum = 0;
  #pragma unroll 4
  for (long long i = FIRST; i < n; i += STRIDE) sum += partial[i];
  sums[FIRST] = sum;
}
`;
