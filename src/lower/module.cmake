# The tests make their plans from graph text; lowering itself does not know graphs.
if(TARGET lower_tests)
  target_link_libraries(lower_tests PRIVATE hone_tune)
endif()
