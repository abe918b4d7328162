/* A program that uses only the runtime library: loads the plan file argv[1], runs it with inputs
 * full of 1 (free dimensions at 2), checks that all outputs are numbers, and that a wrong call is
 * an error with a message. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hone/c.h"

enum { kMaxInputs = 8, kMaxRank = 8, kMaxOutputs = 8 };

struct outputs {
  float* data[kMaxOutputs];
  size_t count[kMaxOutputs];
};

static void* allocate(void* user, size_t index, size_t rank, const int64_t* shape, hn_dtype dtype,
                      size_t bytes) {
  struct outputs* outputs = user;
  (void)rank, (void)shape;
  if (index >= kMaxOutputs || dtype != HN_F32) return NULL;
  outputs->data[index] = malloc(bytes + 1);
  outputs->count[index] = bytes / sizeof(float);
  return outputs->data[index];
}

static int fail(hn_status* status) {
  fprintf(stderr, "%d: %s\n", (int)hn_status_code(status), hn_status_message(status));
  hn_status_free(status);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: run_plan PLAN\n"), 2;
  hn_engine* engine = NULL;
  hn_context* context = NULL;
  hn_status* status = hn_engine_load("/nonexistent/file.plan", NULL, &engine);
  if (hn_status_code(status) != HN_IO || strlen(hn_status_message(status)) == 0 || engine) return 1;
  hn_status_free(status);

  hn_engine_options options = {sizeof(hn_engine_options), 1, 0};
  if ((status = hn_engine_load(argv[1], &options, &engine))) return fail(status);
  if ((status = hn_context_create(engine, &context))) return fail(status);

  hn_tensor inputs[kMaxInputs];
  int64_t shapes[kMaxInputs][kMaxRank];
  const size_t num_inputs = hn_engine_num_inputs(engine);
  if (num_inputs > kMaxInputs || hn_engine_num_outputs(engine) > kMaxOutputs) return 1;
  for (size_t i = 0; i < num_inputs; ++i) {
    hn_tensor_info info = {sizeof(hn_tensor_info), NULL, HN_F32, 0, NULL};
    if ((status = hn_engine_input(engine, i, &info))) return fail(status);
    if (info.rank > kMaxRank || info.dtype != HN_F32) return 1;
    size_t count = 1;
    for (size_t d = 0; d < info.rank; ++d) {
      shapes[i][d] = info.shape[d] < 0 ? 2 : info.shape[d];
      count *= (size_t)shapes[i][d];
    }
    float* data = malloc(count * sizeof(float) + 1);
    for (size_t k = 0; k < count; ++k) data[k] = 1.0f;
    inputs[i] = (hn_tensor){sizeof(hn_tensor), HN_F32, info.rank, shapes[i], data};
  }
  struct outputs outputs = {{NULL}, {0}};
  if ((status = hn_context_run(context, inputs, num_inputs, allocate, &outputs)))
    return fail(status);
  for (size_t i = 0; i < hn_engine_num_outputs(engine); ++i) {
    if (!outputs.data[i] || outputs.count[i] == 0)
      return fprintf(stderr, "output %zu is missing\n", i), 1;
    for (size_t k = 0; k < outputs.count[i]; ++k) {
      if (!isfinite(outputs.data[i][k])) return fprintf(stderr, "output %zu is not finite\n", i), 1;
    }
    printf("output %zu: %zu values, first %g\n", i, outputs.count[i], outputs.data[i][0]);
    free(outputs.data[i]);
  }
  status = hn_context_run(context, inputs, num_inputs + 1, allocate, &outputs);
  if (hn_status_code(status) != HN_SHAPE)
    return fprintf(stderr, "one input too many was accepted\n"), 1;
  hn_status_free(status);
  hn_context_free(context);
  hn_engine_free(engine);
  for (size_t i = 0; i < num_inputs; ++i) free(inputs[i].data);
  printf("%s ok\n", hn_version());
  return 0;
}
