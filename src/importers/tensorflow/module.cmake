# A tool for tests/tensorflow/check_freeze.py; built on demand: ninja hone_freeze.
add_executable(hone_freeze EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/freeze_main.cc)
target_link_libraries(hone_freeze PRIVATE hone_importer_tensorflow)
