// Problems for tactics that take any dtype.
#pragma once

#include <string>
#include <vector>

#include "tactics/tactic_test_util.h"

namespace hone {

inline constexpr DataType kNumberTypes[] = {
    DataType::f32, DataType::f64, DataType::f16,    DataType::bf16, DataType::i8,
    DataType::i16, DataType::i32, DataType::i64,    DataType::u8,   DataType::u16,
    DataType::u32, DataType::u64, DataType::boolean};

// 1 to 9, in halves for floating point; true and false.
inline Tensor small_numbers(DataType dtype, std::vector<int64_t> shape, int seed) {
  Tensor numbers = Tensor::zeros(DataType::f32, std::move(shape));
  for (int64_t i = 0; i < numbers.num_elements(); ++i) {
    const auto value = static_cast<float>((i * 7 + seed * 5) % 17 + 2) / 2;
    numbers.mutable_data<float>()[i] =
        dtype == DataType::boolean ? static_cast<float>((i * 7 + seed) % 3 != 0) : value;
  }
  return evaluate_reference(op("Cast"), CastAttributes{dtype}, {}, {&numbers, 1}).value()[0];
}

inline void add_elementwise_problems(ProblemMaker& make) {
  const std::vector<int64_t> shapes[] = {{3, 4, 5}, {5}, {3, 1, 1}};
  for (const OpDef* def : all_ops()) {
    if (!def->pointwise) continue;
    const bool moves = def->pointwise->boolean_result || std::string_view(def->name) == "Where";
    for (DataType dtype : kNumberTypes) {
      if (dtype == DataType::f32 && !moves) continue;  // has problems, and tactics, of its own
      std::vector<Tensor> inputs;
      for (int i = 0; i < def->pointwise->arity; ++i) {
        const bool condition = std::string_view(def->name) == "Where" && i == 0;
        inputs.push_back(small_numbers(condition ? DataType::boolean : dtype, shapes[i], i));
      }
      const auto outputs = evaluate_reference(*def, def->defaults, {}, inputs);
      if (!outputs.ok()) continue;
      const std::string name = std::string(def->name) + " " + dtype_name(dtype);
      make.add(name, def->name, {}, inputs);
    }
  }
  // More than a block, a scalar, nothing.
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{2, 700}, {}, {0, 3}}) {
    make.add("long", "Less", {},
             {small_numbers(DataType::f32, shape, 0), small_numbers(DataType::f32, {}, 1)});
    make.add("long", "Mul", {},
             {small_numbers(DataType::i32, shape, 0), small_numbers(DataType::i32, shape, 1)});
  }
  PointwiseAttributes attributes;
  attributes.program = Program::parse("t0=Less(x0,0.5);t1=Where(t0,x1,3);", 2).value();
  make.add("program f64", "Pointwise", attributes,
           {small_numbers(DataType::f64, {3, 5}, 0), small_numbers(DataType::f64, {5}, 1)});
  attributes.program = Program::parse("t0=Add(x0,x1);t1=Less(t0,4);", 2).value();
  make.add("program to bool", "Pointwise", attributes,
           {small_numbers(DataType::f32, {3, 5}, 0), small_numbers(DataType::f32, {5}, 1)});
}

inline void add_cast_problems(ProblemMaker& make) {
  for (DataType from : kNumberTypes) {
    for (DataType to : kNumberTypes) {
      make.add(std::string("cast ") + dtype_name(from) + dtype_name(to), "Cast", CastAttributes{to},
               {small_numbers(from, {3, 4}, 0)});
    }
  }
  make.add("cast special", "Cast", CastAttributes{DataType::i32},
           {Tensor::from<float>({4}, {NAN, INFINITY, -1e30f, -2.5f})});
}

inline void add_selection_problems(ProblemMaker& make) {
  const Tensor x = make.random({3, 4, 5, 6});
  const Tensor list = Tensor::from<int64_t>({2, 2}, {0, -1, 2, 1});
  for (const int64_t axis : {0, 1, 2, -1}) {
    make.add("gather", "Gather", GatherAttributes{axis, 0}, {x, list});
    make.add("gather constant", "Gather", GatherAttributes{axis, 0}, {x, list}, {false, true});
    make.add("gather scalar", "Gather", GatherAttributes{axis, 0},
             {x, Tensor::scalar<int32_t>(-2)});
  }
  make.add("gather in batches", "Gather", GatherAttributes{2, 1},
           {x, Tensor::from<int32_t>({3, 2}, {0, 1, 4, -5, 3, 3})});
  make.add("gather bytes", "Gather", GatherAttributes{1, 0},
           {small_numbers(DataType::u8, {2, 7, 3}, 0), Tensor::from<uint8_t>({3}, {6, 0, 2})});
  make.add("gather none", "Gather", GatherAttributes{}, {x, Tensor::from<int64_t>({0}, {})});
  make.add("tile", "Tile", {}, {x, Tensor::from<int64_t>({4}, {2, 1, 3, 2})}, {false, true});
  make.add("tile to nothing", "Tile", {}, {x, Tensor::from<int64_t>({4}, {1, 0, 1, 1})});
  make.add("fill", "Fill", {}, {Tensor::from<int64_t>({2}, {3, 5}), Tensor::scalar(2.5f)});
  make.add("fill wide", "Fill", {}, {Tensor::from<int64_t>({1}, {7}), Tensor::scalar<int64_t>(-3)});
  make.add("range", "Range", {},
           {Tensor::scalar<int64_t>(7), Tensor::scalar<int64_t>(-4), Tensor::scalar<int64_t>(-3)});
  make.add("range", "Range", {}, {Tensor::scalar(0.f), Tensor::scalar(1.f), Tensor::scalar(0.1f)});
  for (const char* mode : {"reflect", "symmetric", "edge"}) {
    for (const auto& pads : std::vector<std::vector<int64_t>>{
             {0, 2, 3, 0, 0, 1, 2, 0}, {1, 0, 0, 4, 2, 0, 0, 2}, {0, -1, 2, -2, 0, 3, -1, 1}}) {
      make.add(std::string("pad ") + mode, "Pad", PadAttributes{mode},
               {x, Tensor::from<int64_t>({8}, pads)}, {false, true});
    }
  }
}

inline void add_arg_problems(ProblemMaker& make) {
  for (const char* name : {"ArgMax", "ArgMin"}) {
    for (const int64_t axis : {0, 1, -1}) {
      for (const bool last : {false, true}) {
        make.add(name, name, ArgAttributes{axis, last, last, DataType::i64},
                 {make.random({4, 7, 300})});
        make.add(name, name, ArgAttributes{axis, !last, last, DataType::i32},
                 {small_numbers(DataType::i16, {5, 9, 7}, 0)});
      }
    }
    make.add(name, name, ArgAttributes{},
             {Tensor::from<float>({4, 2}, {1, NAN, NAN, 2, 3, NAN, NAN, INFINITY})});
  }
}

inline void add_reduction_problems(ProblemMaker& make) {
  for (const OpDef* def : all_ops()) {
    if (std::string_view(def->name).substr(0, 6) != "Reduce") continue;
    for (DataType dtype : kNumberTypes) {
      const Tensor x = small_numbers(dtype, {2, 3, 4, 5}, 0);
      for (const auto& axes : std::vector<std::vector<int64_t>>{{1, 3}, {0}, {0, 2}, {}}) {
        const ReduceAttributes attributes{axes, axes.size() == 1};
        if (!evaluate_reference(*def, attributes, {}, {&x, 1}).ok()) continue;
        make.add(std::string(def->name) + " " + dtype_name(dtype), def->name, attributes, {x});
      }
    }
    const Tensor none = Tensor::zeros(DataType::f32, {2, 0, 3});
    make.add("reduce nothing", def->name, ReduceAttributes{{1}, true}, {none});
    make.add("reduce three groups", def->name, ReduceAttributes{{0, 2, 4}, false},
             {small_numbers(DataType::f32, {2, 3, 2, 3, 2}, 1)});
  }
  make.add("shape", "Shape", {}, {make.random({2, 0, 3})});
  make.add("shape", "Shape", {}, {make.random({2, 3, 4})});
  make.add("size", "Size", {}, {make.random({2, 3, 4})});
}

inline std::vector<Problem> any_problems(unsigned seed) {
  ProblemMaker make(seed);
  add_elementwise_problems(make);
  add_cast_problems(make);
  add_selection_problems(make);
  add_arg_problems(make);
  add_reduction_problems(make);
  return make.take();
}

}  // namespace hone
