# C++ benchmarks: `ninja conv_bench`. Not part of the default build.
if(NOT HONE_BENCHMARKS)
  return()
endif()
find_package(benchmark QUIET)
if(benchmark_FOUND)
  add_executable(conv_bench EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/bench/kernels/conv_bench.cc)
  target_link_libraries(conv_bench PRIVATE hone_kernels_cpu benchmark::benchmark)
endif()
