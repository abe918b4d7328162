# Tests that need the products: programs linked to the shared libraries.
if(NOT HONE_TESTS)
  return()
endif()

add_executable(runtime_only_run_plan ${PROJECT_SOURCE_DIR}/tests/runtime_only/run_plan.c)
target_link_libraries(runtime_only_run_plan PRIVATE hone_runtime_shared m)
if(HONE_SANITIZE)
  target_link_options(runtime_only_run_plan PRIVATE -fsanitize=${HONE_SANITIZE})
endif()
add_test(NAME runtime_only
  COMMAND ${CMAKE_COMMAND} -D COMMAND=$<TARGET_FILE:hone_command> -D PROGRAM=$<TARGET_FILE:runtime_only_run_plan>
          -D RUNTIME=$<TARGET_FILE:hone_runtime_shared> -D MODEL=${PROJECT_SOURCE_DIR}/tests/runtime_only/model.txt
          -D FOLDER=${PROJECT_BINARY_DIR}/runtime_only
          -P ${PROJECT_SOURCE_DIR}/tests/runtime_only/test_runtime_only.cmake)
set_tests_properties(runtime_only PROPERTIES LABELS e2e TIMEOUT 300)
