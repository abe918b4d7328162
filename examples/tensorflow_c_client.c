/* Runs a converted SavedModel from a C program, over TensorFlow's C API: no Python, no Hone header.
 *
 *   tensorflow_c_client libhone_tf.so SAVED_MODEL_DIR INPUT OUTPUT DIM...
 *
 * INPUT and OUTPUT are tensor names of the signature ("serving_default_x:0"), as `saved_model_cli
 * show
 * --all` prints them; DIM... is the shape of the float32 input, which is filled with 0, 1, 2, ...
 * The output is printed: its shape on one line, its first values on the next.
 *
 * Build, with TFD = the folder of the installed tensorflow package:
 *   cc -I$TFD/include tensorflow_c_client.c -L$TFD -l:libtensorflow_cc.so.2
 *      -l:libtensorflow_framework.so.2 -Wl,-rpath,$TFD -o tensorflow_c_client
 *
 * The one line that a converted model needs is the TF_LoadLibrary.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

enum { kMaxRank = 8, kPrinted = 8 };

static void check(const TF_Status* status, const char* what) {
  if (TF_GetCode(status) == TF_OK) return;
  fprintf(stderr, "%s: %s\n", what, TF_Message(status));
  exit(1);
}

/* "name:index" -> the output of an operation of the graph. */
static TF_Output find_tensor(TF_Graph* graph, const char* name) {
  char operation[1024];
  const char* colon = strrchr(name, ':');
  const size_t length = colon ? (size_t)(colon - name) : strlen(name);
  snprintf(operation, sizeof(operation), "%.*s", (int)length, name);
  TF_Output tensor = {TF_GraphOperationByName(graph, operation), colon ? atoi(colon + 1) : 0};
  if (tensor.oper == NULL) {
    fprintf(stderr, "the model has no tensor %s\n", name);
    exit(1);
  }
  return tensor;
}

static TF_Tensor* make_input(char** dims, int rank) {
  int64_t shape[kMaxRank];
  size_t count = 1;
  for (int i = 0; i < rank; ++i) count *= (size_t)(shape[i] = atoll(dims[i]));
  TF_Tensor* tensor = TF_AllocateTensor(TF_FLOAT, shape, rank, count * sizeof(float));
  for (size_t i = 0; i < count; ++i) ((float*)TF_TensorData(tensor))[i] = (float)i;
  return tensor;
}

static void print(const TF_Tensor* tensor) {
  printf("shape");
  for (int i = 0; i < TF_NumDims(tensor); ++i) printf(" %lld", (long long)TF_Dim(tensor, i));
  printf("\nvalues");
  for (int64_t i = 0; i < TF_TensorElementCount(tensor) && i < kPrinted; ++i) {
    printf(" %g", ((const float*)TF_TensorData(tensor))[i]);
  }
  printf("\n");
}

int main(int argc, char** argv) {
  if (argc < 5 || argc > 5 + kMaxRank) {
    fprintf(stderr, "usage: %s libhone_tf.so SAVED_MODEL_DIR INPUT OUTPUT DIM...\n", argv[0]);
    return 2;
  }
  TF_Status* status = TF_NewStatus();
  TF_LoadLibrary(argv[1], status);
  check(status, "loading the plug-in");

  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  TF_Session* session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[2], tags, 1, graph, NULL, status);
  check(status, "loading the model");

  const TF_Output input = find_tensor(graph, argv[3]);
  const TF_Output output = find_tensor(graph, argv[4]);
  TF_Tensor* x = make_input(argv + 5, argc - 5);
  TF_Tensor* y = NULL;
  TF_SessionRun(session, NULL, &input, &x, 1, &output, &y, 1, NULL, 0, NULL, status);
  check(status, "running the model");
  if (TF_TensorType(y) != TF_FLOAT) {
    fprintf(stderr, "%s is not float32\n", argv[4]);
    return 1;
  }
  print(y);

  TF_DeleteTensor(y);
  TF_DeleteTensor(x);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
