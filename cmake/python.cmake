# hone._hone, the extension module of the Python package (HONE_PYTHON).
if(NOT HONE_PYTHON)
  return()
endif()

find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
if(NOT nanobind_DIR)
  execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
                  OUTPUT_VARIABLE nanobind_DIR OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
find_package(nanobind CONFIG REQUIRED)

file(GLOB hone_python_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/python/src/*.cc)
nanobind_add_module(_hone NB_STATIC ${hone_python_sources})
target_compile_options(_hone PRIVATE -Wall -Wextra -Wno-missing-field-initializers)
target_link_libraries(_hone PRIVATE hone)

# Build tree: python/hone, importable with PYTHONPATH=<build>/python, laid out as in site-packages.
set(HONE_PYTHON_FOLDER ${PROJECT_BINARY_DIR}/python/hone)
set_target_properties(_hone PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${HONE_PYTHON_FOLDER}
  BUILD_WITH_INSTALL_RPATH ON
  INSTALL_RPATH "$ORIGIN/lib")
file(GLOB_RECURSE hone_python_files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/python/hone
     ${PROJECT_SOURCE_DIR}/python/hone/*.py ${PROJECT_SOURCE_DIR}/python/hone/py.typed)
foreach(file ${hone_python_files})
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY ${HONE_PYTHON_FOLDER}/${folder})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/python/hone/${file} ${HONE_PYTHON_FOLDER}/${file} SYMBOLIC)
endforeach()
file(MAKE_DIRECTORY ${HONE_PYTHON_FOLDER}/lib ${HONE_PYTHON_FOLDER}/bin)
add_custom_command(TARGET _hone POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E create_symlink $<TARGET_FILE:hone>
          ${HONE_PYTHON_FOLDER}/lib/$<TARGET_SONAME_FILE_NAME:hone>
  VERBATIM)
