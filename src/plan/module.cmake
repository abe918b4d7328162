# plan.fbs -> generated/plan/plan_generated.h, which only src/plan/*.cc include.
find_program(HONE_FLATC flatc REQUIRED)
set(plan_schema ${PROJECT_SOURCE_DIR}/src/plan/plan.fbs)
set(plan_header ${PROJECT_BINARY_DIR}/generated/plan/plan_generated.h)
add_custom_command(
  OUTPUT ${plan_header}
  COMMAND ${HONE_FLATC} --cpp --cpp-std c++17 --scoped-enums -o ${PROJECT_BINARY_DIR}/generated/plan
          ${plan_schema}
  DEPENDS ${plan_schema}
  COMMENT "flatc plan.fbs"
  VERBATIM)
# As a source of hone_plan it is there before any of its files is compiled.
target_sources(hone_plan PRIVATE ${plan_header})
