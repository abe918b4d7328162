// The command `hone`: all of it lives in libhone.so, which the Python module and the TensorFlow op
// share.
#include "hone/c.h"

int main(int argc, char** argv) { return hn_main(argc, argv); }
