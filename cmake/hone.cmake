# Build rules shared by all modules.

find_package(Threads REQUIRED)
if(HONE_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  enable_testing()
endif()

add_library(hone_options INTERFACE)
target_compile_features(hone_options INTERFACE cxx_std_20)
# -ffp-contract=off: FMA is written explicitly, so that results do not depend on the compiler's taste.
# -Wno-restrict: false alarms of GCC 12 on std::string concatenation (GCC bug 105651).
target_compile_options(hone_options INTERFACE -Wall -Wextra -Wno-missing-field-initializers
                                              -Wno-restrict -ffp-contract=off)
if(HONE_WERROR)
  target_compile_options(hone_options INTERFACE -Werror)
endif()
if(HONE_SANITIZE)
  target_compile_options(hone_options INTERFACE -fsanitize=${HONE_SANITIZE}
                                                -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hone_options INTERFACE -fsanitize=${HONE_SANITIZE})
endif()
target_include_directories(hone_options INTERFACE ${PROJECT_SOURCE_DIR}/include
                                                  ${PROJECT_SOURCE_DIR}/src
                                                  ${PROJECT_BINARY_DIR}/generated)
target_link_libraries(hone_options INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

set(HONE_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c -mbmi2)
set(HONE_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mbmi2)

# hone_module(<name> <folder> [DEPS <module>...])
# Every .cc below <folder> that is not *_test.cc and not in another module becomes the static library
# hone_<name>; every *_test.cc becomes part of the test program <name>_tests. Files in a folder
# named after an instruction set (avx2/, avx512/) are compiled with its flags.
function(hone_module name folder)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|/[a-z_]*main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(NOT sources)
    set(sources ${PROJECT_SOURCE_DIR}/cmake/empty.cc)
  endif()
  add_library(hone_${name} STATIC ${sources})
  target_link_libraries(hone_${name} PUBLIC hone_options)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(hone_${name} PUBLIC hone_${dep})
  endforeach()
  foreach(isa avx2 avx512)
    set(isa_sources ${sources})
    list(FILTER isa_sources INCLUDE REGEX "/${isa}/")
    set_source_files_properties(${isa_sources} PROPERTIES COMPILE_OPTIONS "${HONE_ISA_FLAGS_${isa}}")
  endforeach()
  set_property(GLOBAL APPEND PROPERTY HONE_MODULES ${name})
  set_property(GLOBAL PROPERTY HONE_MODULE_${name}_FOLDER ${folder})
  set_property(GLOBAL PROPERTY HONE_MODULE_${name}_DEPS ${ARG_DEPS})
  if(HONE_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE hone_${name} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_tests PRIVATE
      HONE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HONE_BINARY_DIR="${PROJECT_BINARY_DIR}")
    set(label unit)
    if(name STREQUAL "passes" OR name MATCHES "^importer")
      string(REGEX REPLACE "^importer.*" "import" label ${name})
    elseif(name MATCHES "^kernels|^tactics")
      set(label kernels)
    endif()
    gtest_discover_tests(${name}_tests DISCOVERY_TIMEOUT 120 PROPERTIES LABELS ${label} TIMEOUT 600)
  endif()
endfunction()

# Lets a module have a CMake file of its own for what the rule above cannot say (generated code ...).
function(hone_products)
  get_property(modules GLOBAL PROPERTY HONE_MODULES)
  foreach(name ${modules})
    get_property(folder GLOBAL PROPERTY HONE_MODULE_${name}_FOLDER)
    if(EXISTS ${PROJECT_SOURCE_DIR}/${folder}/module.cmake)
      include(${PROJECT_SOURCE_DIR}/${folder}/module.cmake)
    endif()
  endforeach()
  foreach(file products integrations python install tests)
    if(EXISTS ${PROJECT_SOURCE_DIR}/cmake/${file}.cmake)
      include(${PROJECT_SOURCE_DIR}/cmake/${file}.cmake)
    endif()
  endforeach()
endfunction()
