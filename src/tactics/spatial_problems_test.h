// Problems for transposed and three-dimensional convolutions and for Resize.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "ops/conv_chain.h"
#include "ops/conv_transpose.h"
#include "ops/resize.h"
#include "tactics/tactic_test_util.h"

namespace hone {

inline void add_deep_conv_problems(ProblemMaker& make) {
  for (const char* auto_pad : {"valid", "same_upper"}) {
    for (const int64_t stride : {1, 2}) {
      const ConvAttributes deep{
          .strides = {stride, 1, stride}, .dilations = {1, 2, 1}, .auto_pad = auto_pad};
      const Tensor data = make.random({2, 5, 6, 7, 8}), weights = make.random({17, 3, 2, 3, 8}),
                   bias = make.random({17});
      make.add("conv 3-D", "Conv", deep, {data, weights}, {false, true});
      make.add("conv 3-D silu", "Conv", deep, {data, weights, bias}, {false, true, true},
               silu_program());
      const Tensor residual = make.random(*to_static(make.last().step.out_shape()));
      make.add("conv 3-D residual", "Conv", deep, {data, weights, bias, residual},
               {false, true, true, false}, add_program("Tanh"));
    }
  }
  make.add("conv 3-D grouped", "Conv", ConvAttributes{.pads = {1, 1, 1, 1, 1, 1}, .groups = 2},
           {make.random({1, 4, 4, 4, 6}), make.random({4, 3, 3, 3, 3})}, {false, true});
}

// The chain without its project Conv, or without its expand Conv, or whole, with each kind of
// epilogue inside and behind.
inline void add_chain_problems(ProblemMaker& make) {
  struct Case {
    const char* name;
    std::vector<int64_t> data;      // N H W C
    ConvAttributes expand, filter;  // their groups are set below
    int64_t expand_kernel, channels, filter_kernel, out;
  };
  const ConvAttributes plain, same{.auto_pad = "same_upper"},
      halved{.strides = {2, 2}, .auto_pad = "same_upper"};
  for (const Case& c :
       {Case{"inverted residual", {2, 9, 11, 12}, plain, same, 1, 40, 3, 12},
        Case{"stride 2", {1, 13, 17, 8}, plain, halved, 1, 24, 3, 20},
        Case{"wide", {1, 11, 60, 5}, plain, same, 1, 17, 3, 5},
        Case{"5x5 stride 2", {2, 14, 14, 6}, plain, halved, 1, 48, 5, 9},
        Case{"stem", {1, 21, 19, 3}, halved, same, 3, 16, 3, 7},
        Case{"tall window",
             {1, 30, 6, 4},
             plain,
             {.strides = {3, 1}, .pads = {4, 1, 4, 1}},
             1,
             9,
             7,
             4},
        Case{"stride over kernel", {1, 23, 8, 4}, plain, {.strides = {3, 3}}, 1, 9, 2, 3},
        Case{"one pixel", {1, 1, 1, 4}, plain, same, 1, 9, 3, 4},
        Case{"batch 0", {0, 5, 5, 4}, plain, same, 1, 9, 3, 4}}) {
    const int64_t n = c.channels, in = c.data.back(), e = c.expand_kernel, f = c.filter_kernel;
    const Tensor data = make.random(c.data), w1 = make.random({n, e, e, in}), b1 = make.random({n}),
                 w2 = make.random({n, f, f, 1}), b2 = make.random({n}),
                 w3 = make.random({c.out, 1, 1, n}), b3 = make.random({c.out});
    const std::string name = std::string("chain ") + c.name;
    const auto add = [&](const std::string& what, const ConvChainAttributes& attributes,
                         std::vector<Tensor> tensors, Program epilogue) {
      std::vector<bool> constant(tensors.size(), true);
      constant[0] = false;
      for (size_t i = 7; i < tensors.size(); ++i) constant[i] = false;
      make.add(name + what, "ConvChain", attributes, std::move(tensors), constant,
               std::move(epilogue));
      make.last().bound = 3e-5;  // sums of sums: each part within 1e-5 of values that grow
    };
    ConvChainAttributes chain{c.expand, c.filter, {}, relu6_program(), silu_program()};
    chain.second.groups = n;
    add("", chain, {data, w1, b1, w2, b2, w3, b3}, {});
    const Tensor residual = make.random(*to_static(make.last().step.out_shape()));
    add(" residual", chain, {data, w1, b1, w2, b2, w3, b3, residual}, add_program());
    chain.epilogue_1 = silu_program();
    chain.epilogue_2 = relu6_program();
    add(" residual tanh", chain, {data, w1, b1, w2, b2, w3, b3, residual}, add_program("Tanh"));
    chain.epilogue_2 = {};
    add(" expand", chain, {data, w1, b1, w2, b2}, silu_program());
    const Tensor middle = make.random({c.data[0], c.data[1], c.data[2], n});
    ConvChainAttributes separable{chain.second, {}, {}, relu6_program(), {}};
    add(" separable", separable, {middle, w2, b2, w3, b3}, silu_program());
  }
}

inline void add_transposed_problems(ProblemMaker& make) {
  struct Case {
    const char* name;
    std::vector<int64_t> data;  // N spatial... C
    int64_t out;
    std::vector<int64_t> kernel, strides, dilations, pads, extra;
    int64_t groups;
    const char* pad;
  };
  for (const Case& c :
       {Case{"2x2 stride 2", {2, 5, 7, 20}, 24, {2, 2}, {2, 2}, {}, {}, {}, 1, "explicit"},
        Case{"3x3 stride 2",
             {1, 6, 5, 9},
             17,
             {3, 3},
             {2, 2},
             {},
             {1, 1, 1, 1},
             {1, 1},
             1,
             "explicit"},
        Case{"4x4 same", {1, 6, 5, 9}, 8, {4, 4}, {2, 2}, {}, {}, {}, 1, "same_upper"},
        Case{"3x3 same", {2, 4, 9, 6}, 33, {3, 3}, {2, 2}, {}, {}, {}, 1, "same_lower"},
        Case{"3x3 stride 1", {1, 7, 7, 8}, 8, {3, 3}, {1, 1}, {}, {1, 1, 1, 1}, {}, 1, "explicit"},
        Case{"kernel below stride", {1, 4, 3, 5}, 6, {2, 1}, {3, 2}, {}, {}, {1, 0}, 1, "explicit"},
        Case{"dilated", {1, 6, 5, 4}, 6, {3, 2}, {2, 3}, {3, 2}, {1, 2, 0, 1}, {}, 1, "explicit"},
        Case{"dilation meets stride", {1, 5, 5, 4}, 6, {3, 3}, {4, 2}, {2, 2}, {}, {}, 1, "valid"},
        Case{"large pads", {1, 8, 8, 4}, 6, {3, 3}, {2, 2}, {}, {5, 4, 3, 6}, {}, 1, "explicit"},
        Case{"grouped", {1, 5, 4, 12}, 9, {3, 3}, {2, 2}, {}, {1, 1, 1, 1}, {}, 3, "explicit"},
        Case{"1-D", {2, 9, 6}, 7, {4}, {2}, {}, {1, 1}, {}, 1, "explicit"},
        Case{"3-D",
             {2, 3, 4, 5, 6},
             7,
             {2, 3, 3},
             {2, 2, 1},
             {},
             {0, 1, 1, 0, 1, 1},
             {},
             1,
             "explicit"},
        Case{"batch 0", {0, 5, 5, 4}, 8, {3, 3}, {2, 2}, {}, {}, {}, 1, "same_upper"}}) {
    const ConvTransposeAttributes attributes{c.strides, c.dilations, c.pads,
                                             c.extra,   c.groups,    c.pad};
    std::vector<int64_t> shape = {c.out};
    shape.insert(shape.end(), c.kernel.begin(), c.kernel.end());
    shape.push_back(c.data.back() / c.groups);
    const Tensor data = make.random(c.data), weights = make.random(shape),
                 bias = make.random({c.out});
    const std::string name = std::string("transposed ") + c.name;
    make.add(name, "ConvTranspose", attributes, {data, weights}, {false, true});
    make.add(name + " bias relu", "ConvTranspose", attributes, {data, weights, bias},
             {false, true, true}, add_program("Relu"));
    make.add(name + " silu", "ConvTranspose", attributes, {data, weights}, {false, true},
             silu_program());
    const Tensor residual = make.random(*to_static(make.last().step.out_shape()));
    make.add(name + " residual", "ConvTranspose", attributes, {data, weights, residual},
             {false, true, false}, add_program("Relu"));
    make.add(name + " residual tanh", "ConvTranspose", attributes, {data, weights, residual},
             {false, true, false}, add_program("Tanh"));
  }
  ConvTransposeAttributes same{.strides = {2, 2}, .auto_pad = "same_upper"};
  make.add("transposed to size", "ConvTranspose", same,
           {make.random({1, 4, 5, 6}), make.random({7, 3, 3, 6}),
            Tensor::from<int64_t>({2}, {7, 10}), make.random({7})},
           {false, true, true, true}, add_program("Relu"));
}

inline void add_resize_problems(ProblemMaker& make) {
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* coordinates : {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
                                    "tf_half_pixel_for_nn", "align_corners", "asymmetric"}) {
      ResizeAttributes attributes{.mode = mode, .axes = {1, 2}, .coordinates = coordinates};
      const std::string name = std::string("resize ") + mode + " " + coordinates;
      for (const auto& [h, w] : {std::array<int64_t, 2>{10, 14}, {3, 20}, {1, 1}, {5, 7}}) {
        make.add(name, "Resize", attributes,
                 {make.random({2, 5, 7, 19}), Tensor::from<int64_t>({2}, {h, w})}, {false, true});
      }
      attributes.tensorflow = true;
      make.add(name + " tf", "Resize", attributes,
               {make.random({1, 4, 3, 40}), Tensor::from<int64_t>({2}, {7, 9})}, {false, true});
    }
    ResizeAttributes scaled{.mode = mode, .axes = {-2}, .scales = {2}};
    make.add("resize lines", "Resize", scaled, {make.random({2, 3, 5, 8})});
    scaled.axes = {2, 1, 3};
    scaled.scales = {0.5, 2, 1.5};
    scaled.exclude_outside = true;
    make.add("resize volume", "Resize", scaled, {make.random({2, 3, 4, 5, 6})});
    make.add("resize nothing", "Resize", ResizeAttributes{.mode = mode, .axes = {1}, .scales = {2}},
             {make.random({0, 3, 4})});
  }
  make.add("resize integers", "Resize", ResizeAttributes{.axes = {1, 2}, .scales = {2, 3}},
           {Tensor::from<int16_t>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})});
}

inline std::vector<Problem> spatial_problems(unsigned seed) {
  ProblemMaker make(seed);
  add_deep_conv_problems(make);
  add_chain_problems(make);
  add_transposed_problems(make);
  add_resize_problems(make);
  return make.take();
}

}  // namespace hone
