# What is installed: libhone.so (everything), libhone_runtime.so (plans only), the command, headers,
# CMake and pkg-config files.
if(SKBUILD)  # a wheel: below the package, see install.cmake
  set(CMAKE_INSTALL_LIBDIR hone/lib)
  set(CMAKE_INSTALL_BINDIR hone/bin)
  set(CMAKE_INSTALL_INCLUDEDIR hone/include)
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_property(SOURCE ${PROJECT_SOURCE_DIR}/src/runtime/c_runtime.cc APPEND PROPERTY
             COMPILE_DEFINITIONS HONE_VERSION="${PROJECT_VERSION}")

# The module and, transitively, the modules it may use.
function(hone_module_closure result name)
  set(closure ${name})
  get_property(deps GLOBAL PROPERTY HONE_MODULE_${name}_DEPS)
  foreach(dep ${deps})
    hone_module_closure(below ${dep})
    list(APPEND closure ${below})
  endforeach()
  list(REMOVE_DUPLICATES closure)
  set(${result} ${closure} PARENT_SCOPE)
endfunction()

# hone_shared_library(<name> <module>): the module and all that it uses, whole, in one library that shows
# only the symbols marked HONE_API or HN_API.
function(hone_shared_library name module)
  add_library(${name} SHARED ${PROJECT_SOURCE_DIR}/cmake/empty.cc)
  hone_module_closure(closure ${module})
  foreach(part ${closure})
    target_link_libraries(${name} PRIVATE -Wl,--whole-archive $<TARGET_FILE:hone_${part}>
                                          -Wl,--no-whole-archive)
    add_dependencies(${name} hone_${part})
  endforeach()
  target_link_libraries(${name} PRIVATE hone_options)
  target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # nodelete: threads of the pool run our code until the process ends, so it must never be unmapped.
  target_link_options(${name} PRIVATE -Wl,-Bsymbolic -Wl,-z,nodelete)
  set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
endfunction()

hone_shared_library(hone tools)
hone_shared_library(hone_runtime_shared runtime)
set_target_properties(hone_runtime_shared PROPERTIES OUTPUT_NAME hone_runtime EXPORT_NAME hone_runtime)

add_executable(hone_command ${PROJECT_SOURCE_DIR}/tools/hone_main.cc)
set_target_properties(hone_command PROPERTIES OUTPUT_NAME hone)
target_link_libraries(hone_command PRIVATE hone)
