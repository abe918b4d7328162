// hone/c.h: building plans.
#include <cstddef>
#include <new>

#include "hone/builder.h"
#include "runtime/c_status.h"

struct hn_plan {
  hone::Plan plan;
};

using hone::Code;
using hone::Status;

extern "C" {

hn_status* hn_build(const char* path, const hn_build_options* options, hn_plan** plan) {
  return hone::guard([&]() -> Status {
    if (!path || !plan) return Status(Code::kInvalidArgument, "path or plan is NULL");
    hone::BuildOptions build;
    if (const char* target = HONE_C_FIELD(options, hn_build_options, target, nullptr))
      build.target = target;
    if (const char* cache = HONE_C_FIELD(options, hn_build_options, timing_cache, nullptr)) {
      build.timing_cache = cache;
    }
    build.memory_bytes = HONE_C_FIELD(options, hn_build_options, memory_bytes, 0);
    build.tune_seconds = HONE_C_FIELD(options, hn_build_options, tune_seconds, 0);
    build.threads = HONE_C_FIELD(options, hn_build_options, threads, 0);
    build.tune = HONE_C_FIELD(options, hn_build_options, no_tune, 0) == 0;
    build.strict_fp32 = HONE_C_FIELD(options, hn_build_options, strict_fp32, 0) != 0;
    build.portable = HONE_C_FIELD(options, hn_build_options, portable, 0) != 0;
    HONE_ASSIGN_OR_RETURN(const hone::Model model, hone::Model::from_file(path));
    HONE_ASSIGN_OR_RETURN(hone::Plan built, hone::build(model, build));
    *plan = new hn_plan{std::move(built)};
    return hone::ok();
  });
}

const void* hn_plan_data(const hn_plan* plan, size_t* bytes) {
  if (bytes) *bytes = plan->plan.bytes().size();
  return plan->plan.bytes().data();
}
hn_status* hn_plan_save(const hn_plan* plan, const char* path) {
  return hone::guard([&]() -> Status {
    if (!plan || !path) return Status(Code::kInvalidArgument, "plan or path is NULL");
    return plan->plan.save(path);
  });
}
void hn_plan_free(hn_plan* plan) { delete plan; }

}  // extern "C"
