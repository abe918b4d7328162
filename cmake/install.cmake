# What `cmake --install` and the Python wheel contain.
#
#                    cmake --install            wheel (below site-packages)
#   libraries        lib/                       hone/lib/         libhone.so.0, libhone_runtime.so.0
#   command          bin/hone                   hone/bin/hone
#   headers          include/hone/              hone/include/hone/
#   find_package     lib/cmake/hone/            hone/lib/cmake/hone/
#   pkg-config       lib/pkgconfig/             hone/lib/pkgconfig/
#   plug-in          lib/libhone_tf.so          tensorflow-plugins/libhone_tf.so
#   extension        -                          hone/_hone.*.so
#
# All of it can be moved. In the wheel, whose format has no links, a library is one file under its SONAME.

set(hone_link_name hone)
set(hone_runtime_link_name hone_runtime)
set(hone_plugin_folder ${CMAKE_INSTALL_LIBDIR})
set(hone_namelink "")
if(SKBUILD)
  set(hone_link_name :libhone.so.0)
  set(hone_runtime_link_name :libhone_runtime.so.0)
  set(hone_plugin_folder tensorflow-plugins)
  set(hone_namelink NAMELINK_SKIP)
  set_target_properties(hone hone_runtime_shared PROPERTIES VERSION 0)
endif()
set(hone_cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/hone)

target_compile_features(hone INTERFACE cxx_std_20)
target_compile_features(hone_runtime_shared INTERFACE cxx_std_20)
file(RELATIVE_PATH hone_lib_from_bin /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
set_target_properties(hone_command PROPERTIES INSTALL_RPATH "$ORIGIN/${hone_lib_from_bin}")

install(TARGETS hone hone_runtime_shared EXPORT hone-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT hone ${hone_namelink})
install(TARGETS hone_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT hone)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/hone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT hone FILES_MATCHING PATTERN "*.h")
if(TARGET hone_tf)
  install(TARGETS hone_tf LIBRARY DESTINATION ${hone_plugin_folder} COMPONENT hone)
endif()
if(TARGET _hone AND SKBUILD)
  install(TARGETS _hone LIBRARY DESTINATION hone COMPONENT hone)
endif()

# find_package(hone): hone::hone, hone::hone_runtime.
install(EXPORT hone-targets NAMESPACE hone:: DESTINATION ${hone_cmake_folder} COMPONENT hone)
file(WRITE ${PROJECT_BINARY_DIR}/hone-config.cmake
"include(\${CMAKE_CURRENT_LIST_DIR}/hone-targets.cmake)
foreach(component \${hone_FIND_COMPONENTS})
  if(NOT TARGET hone::\${component})
    set(hone_FOUND FALSE)
    set(hone_NOT_FOUND_MESSAGE \"hone has no component \${component}\")
  endif()
endforeach()
")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hone-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hone-config.cmake ${PROJECT_BINARY_DIR}/hone-config-version.cmake
  DESTINATION ${hone_cmake_folder} COMPONENT hone)

# pkg-config: relative to the .pc file, two folders below the prefix.
file(RELATIVE_PATH hone_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
function(hone_pkg_config name link_name description)
  file(WRITE ${PROJECT_BINARY_DIR}/${name}.pc
"prefix=\${pcfiledir}/${hone_prefix_from_pc}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}

Name: ${name}
Description: ${description}
Version: ${PROJECT_VERSION}
Cflags: -I\${includedir}
Libs: -L\${libdir} -l${link_name}
")
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT hone)
endfunction()
hone_pkg_config(hone ${hone_link_name} "Optimizes trained networks and runs them")
hone_pkg_config(hone_runtime ${hone_runtime_link_name} "Runs plans made by Hone")

# Test: a program in a folder of its own finds and uses an installed Hone.
if(HONE_TESTS)
  add_test(NAME install_find_package
    COMMAND ${CMAKE_COMMAND} -D BUILD_DIR=${PROJECT_BINARY_DIR} -D VERSION=${PROJECT_VERSION}
            -D COMPILER=${CMAKE_CXX_COMPILER} -D GENERATOR=${CMAKE_GENERATOR}
            -D FLAGS=${CMAKE_CXX_FLAGS} -D SANITIZE=${HONE_SANITIZE}
            -P ${PROJECT_SOURCE_DIR}/tests/install/test_install.cmake)
  set_tests_properties(install_find_package PROPERTIES LABELS "e2e;slow" TIMEOUT 600)
endif()
