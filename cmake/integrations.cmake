# libhone_tf.so, the TensorFlow plug-in: neither headers nor libraries of TensorFlow are needed.
#
# Build tree: integrations/tensorflow-plugins/libhone_tf.so beside integrations/hone/lib/libhone.so, as
# in an installed site-packages folder, so that the plug-in runs from either place.

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  return()
endif()

set(HONE_TF_FOLDER ${PROJECT_SOURCE_DIR}/integrations/tensorflow)
set(HONE_TF_BUILD_FOLDER ${PROJECT_BINARY_DIR}/integrations)
file(GLOB hone_tf_sources CONFIGURE_DEPENDS ${HONE_TF_FOLDER}/*.cc)

add_library(hone_tf SHARED ${hone_tf_sources})
target_link_libraries(hone_tf PRIVATE hone_options)
target_include_directories(hone_tf PRIVATE ${HONE_TF_FOLDER})
set_target_properties(hone_tf PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${HONE_TF_BUILD_FOLDER}/tensorflow-plugins
  BUILD_WITH_INSTALL_RPATH ON
  INSTALL_RPATH "$ORIGIN/../hone/lib:$ORIGIN"
  LINK_DEPENDS ${HONE_TF_FOLDER}/exports.map)
# Many copies of C++ libraries live in a TensorFlow process: export one symbol, bind the rest here.
# nodelete: TensorFlow keeps pointers to our kernels, so the library must never be unmapped.
target_link_options(hone_tf PRIVATE -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -Wl,-z,nodelete
  -Wl,--version-script=${HONE_TF_FOLDER}/exports.map)

# A libhone.so for the tests of the plug-in alone.
if(HONE_TESTS OR NOT TARGET hone)
  add_library(hone_tf_stub SHARED ${HONE_TF_FOLDER}/testing/stub_hone.cc)
  target_link_libraries(hone_tf_stub PRIVATE hone_options)
  set_target_properties(hone_tf_stub PROPERTIES
    OUTPUT_NAME hone
    LIBRARY_OUTPUT_DIRECTORY ${HONE_TF_BUILD_FOLDER}/stub)
endif()

if(TARGET hone)
  target_link_libraries(hone_tf PRIVATE hone)
  add_custom_command(TARGET hone_tf POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E make_directory ${HONE_TF_BUILD_FOLDER}/hone/lib
    COMMAND ${CMAKE_COMMAND} -E create_symlink $<TARGET_FILE:hone>
            ${HONE_TF_BUILD_FOLDER}/hone/lib/$<TARGET_SONAME_FILE_NAME:hone>
    VERBATIM)
else()
  target_link_libraries(hone_tf PRIVATE hone_tf_stub)
endif()

# The tests with TensorFlow run where a Python with TensorFlow is named: -DHONE_TF_PYTHON=.../bin/python
set(HONE_TF_PYTHON "" CACHE FILEPATH "Python with TensorFlow and pytest, for the plug-in's tests")
if(HONE_TESTS AND HONE_TF_PYTHON)
  add_test(NAME tensorflow_engine_op
    COMMAND ${HONE_TF_PYTHON} -m pytest -q ${PROJECT_SOURCE_DIR}/tests/tensorflow/test_engine_op.py)
  set_tests_properties(tensorflow_engine_op PROPERTIES LABELS tensorflow TIMEOUT 900
    ENVIRONMENT "HONE_BUILD_DIR=${PROJECT_BINARY_DIR}")
endif()
