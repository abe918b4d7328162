/* The C API of Hone: the stable binary boundary. Nothing here throws or aborts on bad input.
 *
 * Errors: a function that can fail returns hn_status*, NULL when all went well. Free it with
 * hn_status_free. Results go through the last pointer arguments and are untouched on failure.
 * Strings passed in are UTF-8 and NUL-terminated; strings handed out live as long as their object.
 * Structs start with struct_size = sizeof(the struct), so that they can grow: fields a caller does
 * not know are taken as 0, which always means "default".
 */
#ifndef HONE_C_H_
#define HONE_C_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HN_API __attribute__((visibility("default")))
#else
#define HN_API
#endif

/* Same numbers as hone::DataType. */
typedef enum hn_dtype {
  HN_F32 = 1,
  HN_F64 = 2,
  HN_F16 = 3,
  HN_BF16 = 4,
  HN_I8 = 5,
  HN_I16 = 6,
  HN_I32 = 7,
  HN_I64 = 8,
  HN_U8 = 9,
  HN_U16 = 10,
  HN_U32 = 11,
  HN_U64 = 12,
  HN_BOOL = 13,
  HN_STRING = 14
} hn_dtype;

/* Same order as hone::Code. */
typedef enum hn_code {
  HN_OK = 0,
  HN_INVALID_ARGUMENT,
  HN_MODEL,
  HN_UNSUPPORTED,
  HN_PLAN,
  HN_SHAPE,
  HN_DEVICE,
  HN_OUT_OF_RESOURCES,
  HN_IO,
  HN_CANCELLED,
  HN_INTERNAL
} hn_code;

typedef struct hn_status hn_status;   /* an error */
typedef struct hn_plan hn_plan;       /* a plan in memory */
typedef struct hn_engine hn_engine;   /* a loaded plan; any thread may use it */
typedef struct hn_context hn_context; /* run state; one thread at a time */

HN_API const char* hn_version(void); /* "0.1.0" */

HN_API hn_code hn_status_code(const hn_status* status);
HN_API const char* hn_status_message(
    const hn_status* status);                  /* where, what, why and how to fix it */
HN_API void hn_status_free(hn_status* status); /* NULL is fine */

/* A dense row-major tensor in the caller's memory. */
typedef struct hn_tensor {
  size_t struct_size;
  hn_dtype dtype;
  size_t rank;
  const int64_t* shape;
  void* data;
} hn_tensor;

/* One input or output; unknown dimensions are -1. */
typedef struct hn_tensor_info {
  size_t struct_size;
  const char* name;
  hn_dtype dtype;
  size_t rank;
  const int64_t* shape;
} hn_tensor_info;

typedef struct hn_build_options {
  size_t struct_size;
  const char* target;       /* NULL = "native" */
  const char* timing_cache; /* file, or NULL */
  int64_t memory_bytes;     /* 0 = no limit */
  double tune_seconds;      /* 0 = no limit */
  int threads;              /* 0 = all */
  int no_tune;              /* 1: first tactic of the list, no timing */
  int strict_fp32;
  int portable; /* 1: keep canonical weights in the plan */
} hn_build_options;

/* Imports, optimizes and tunes the model at `path` (ONNX, SavedModel directory, GraphDef). */
HN_API hn_status* hn_build(const char* path, const hn_build_options* options, hn_plan** plan);
HN_API const void* hn_plan_data(const hn_plan* plan, size_t* bytes);
HN_API hn_status* hn_plan_save(const hn_plan* plan, const char* path);
HN_API void hn_plan_free(hn_plan* plan);

typedef struct hn_engine_options {
  size_t struct_size;
  int threads;      /* 0 = all */
  int copy_weights; /* 1: read the file instead of mapping it */
} hn_engine_options;

HN_API hn_status* hn_engine_load(const char* path, const hn_engine_options* options,
                                 hn_engine** engine);
/* The bytes are copied. */
HN_API hn_status* hn_engine_load_bytes(const void* data, size_t bytes,
                                       const hn_engine_options* options, hn_engine** engine);
HN_API size_t hn_engine_num_inputs(const hn_engine* engine);
HN_API size_t hn_engine_num_outputs(const hn_engine* engine);
/* Fills *info (struct_size must be set); pointers in it live as long as the engine. */
HN_API hn_status* hn_engine_input(const hn_engine* engine, size_t index, hn_tensor_info* info);
HN_API hn_status* hn_engine_output(const hn_engine* engine, size_t index, hn_tensor_info* info);
HN_API void hn_engine_free(hn_engine* engine); /* contexts keep what they need alive */

HN_API hn_status* hn_context_create(const hn_engine* engine, hn_context** context);
HN_API void hn_context_free(hn_context* context);

/* Gives memory for output `index`, whose shape is now known, or NULL to make the run fail. */
typedef void* (*hn_allocate)(void* user, size_t index, size_t rank, const int64_t* shape,
                             hn_dtype dtype, size_t bytes);

/* Inputs in the engine's order. Outputs are allocated through `allocate`, in the engine's order,
 * before or during the run, and are complete when the call returns NULL. */
HN_API hn_status* hn_context_run(hn_context* context, const hn_tensor* inputs, size_t num_inputs,
                                 hn_allocate allocate, void* user);

/* The command-line program `hone`, as a function. Returns its exit code. */
HN_API int hn_main(int argc, char** argv);

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* HONE_C_H_ */
