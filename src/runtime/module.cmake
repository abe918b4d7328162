# The tests make their plans from graph text; the runtime itself does not know graphs.
if(TARGET runtime_tests)
  target_link_libraries(runtime_tests PRIVATE hone_passes hone_tune)
endif()
