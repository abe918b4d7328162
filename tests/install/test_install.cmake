# Installs a build into a folder, moves it, and builds and runs programs against it: with find_package and, where
# pkg-config is there, with its flags.
#   cmake -D BUILD_DIR=... -D VERSION=... -D COMPILER=... -D GENERATOR=... -P test_install.cmake
set(work ${BUILD_DIR}/test_install)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "exit code ${code} of: ${ARGV}\n${output}")
  endif()
  set(output ${output} PARENT_SCOPE)
endfunction()

set(flags ${FLAGS})
if(SANITIZE)
  string(APPEND flags " -fsanitize=${SANITIZE}")
endif()

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --component hone --prefix ${work}/first)
file(RENAME ${work}/first ${work}/moved)
run(${work}/moved/bin/hone --version)

run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/client -B ${work}/client -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${work}/moved -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_CXX_FLAGS=${flags}
    -D HONE_EXPECTED_VERSION=${VERSION})
run(${CMAKE_COMMAND} --build ${work}/client)
foreach(program client runtime_client)
  run(${work}/client/${program})
  if(NOT output MATCHES "hone ${VERSION}: .*nothing\\.plan")
    message(FATAL_ERROR "unexpected output of ${program}: ${output}")
  endif()
endforeach()

find_program(PKG_CONFIG NAMES pkg-config pkgconf)
file(GLOB_RECURSE pc_files ${work}/moved/*/pkgconfig/hone.pc)
list(LENGTH pc_files found)
if(NOT found EQUAL 1)
  message(FATAL_ERROR "hone.pc is not installed")
endif()
if(PKG_CONFIG)
  cmake_path(GET pc_files PARENT_PATH pc_folder)
  set(ENV{PKG_CONFIG_PATH} ${pc_folder})
  run(${PKG_CONFIG} --cflags --libs hone)
  separate_arguments(pc_flags UNIX_COMMAND "${output} ${flags}")
  run(${COMPILER} -std=c++20 ${CMAKE_CURRENT_LIST_DIR}/client/client.cc ${pc_flags} -o ${work}/pc_client)
endif()
