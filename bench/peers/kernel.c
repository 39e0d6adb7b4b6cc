/*
 * The same evaluation as crossEntropySparseF32 in plain C, for the compiler to make the best of (it calls the C library's vector
 * exp): label-smoothed cross entropy of [rows, classes] float32 logits and its gradient. No care for small losses, no checks.
 * Usage: kernel <rows> <classes> <float32 logits file> <int32 labels file>; prints "ready", then answers each line on stdin
 * with the nanoseconds of one evaluation and the sum of the losses.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SMOOTHING 0.1f

static double evaluate(const float *logits, const int32_t *labels, int rows, int classes, float *gradients) {
  double total = 0;
  const float scale = 1.0f / rows, base = SMOOTHING / classes;
  for (int n = 0; n < rows; n++) {
    const float *z = logits + (size_t)n * classes;
    float *g = gradients + (size_t)n * classes;
    float max = z[0], sum = 0, distance = 0;
    for (int k = 0; k < classes; k++) max = z[k] > max ? z[k] : max;
    for (int k = 0; k < classes; k++) {
      float x = z[k] - max, e = expf(x);
      g[k] = e;
      sum += e;
      distance -= x;
    }
    total += base * distance + (1 - SMOOTHING) * (max - z[labels[n]]) + logf(sum);
    const float a = scale / sum, b = scale * base;
    for (int k = 0; k < classes; k++) g[k] = g[k] * a - b;
    g[labels[n]] -= scale * (1 - SMOOTHING);
  }
  return total;
}

static void *read_all(const char *path, size_t bytes) {
  void *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  FILE *file = fopen(path, "rb");
  if (!data || !file || fread(data, 1, bytes, file) != bytes) exit(1);
  fclose(file);
  return data;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int rows = atoi(argv[1]), classes = atoi(argv[2]);
  size_t bytes = (size_t)rows * classes * sizeof(float);
  float *logits = read_all(argv[3], bytes);
  int32_t *labels = read_all(argv[4], (size_t)rows * sizeof(int32_t));
  float *gradients = aligned_alloc(64, (bytes + 63) / 64 * 64);
  for (int warm = 0; warm < 5; warm++) evaluate(logits, labels, rows, classes, gradients);
  puts("ready");
  fflush(stdout);
  for (char line[64]; fgets(line, sizeof line, stdin);) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    double total = evaluate(logits, labels, rows, classes, gradients);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.0f %.9g\n", (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec), total);
    fflush(stdout);
  }
}
