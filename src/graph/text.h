// The text form of a graph. A printed graph parses back to an equal one; pass tests are written in
// it.
//
//   // comment to the end of the line
//   graph "resnet50" {
//     symbols 2                                  // SymbolScope::next; with it come all run-time
//     checks require N*4 == M                           // one line per run-time check input %x:
//     f32[N,224,224,3] const %w: f32[2,3] = [1, 2, 3, 4, 5, 6] const %zero: f32[64] = splat(0) //
//     all elements equal const %noise: f32[64,7,7,3] = random(1)    // for tests: -1 <= x < 1,
//     integers -8 <= x < 8 const %big: f32[64,7,7,3] = #3f2a...       // 32 digits: Tensor::hash(),
//     looked up in a ConstantStore %y: f32[N,112,112,64] @"conv1:0" = Conv(%x, %w, %b)
//     {strides=[2,2]}
//         epilogue{t0=Add(x0,x1);t1=Max(t0,0);}(%res) "conv1" from ["conv1/Conv2D", "bn"]
//     %"odd name", %b = Split(%y) {axis=1, sizes=[1,2]}
//     %r: f32[N,8,8,3] = Resize(%x, _, %scales)  // "_": an absent input
//     output %y as "predictions"
//   }
//
// Names of letters, digits and "_./-" need no quotes. Blanks and line ends are alike, except that a
// `require` ends with its line. Optional when reading: types of node outputs (inferred; a type that
// is there must agree with inference), @source (default: the value's name), the node's name
// (default: its first output's), `from` (default: its name), `as` (default: the value's name),
// attributes (default: the operator's).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "graph/constant_store.h"
#include "graph/graph.h"
#include "hone/status.h"

namespace hone {

struct TextOptions {
  int64_t inline_constants = 16;  // longer ones are printed by hash; strings are always printed
  bool types = true;              // of node outputs
  bool provenance = true;         // @source and `from`; without it, sources read back as names
};

std::string print_graph(const Graph& graph, const TextOptions& options = {});

// What print_graph(graph, options) prints by hash, for the store that goes with the text.
void collect_constants(const Graph& graph, const TextOptions& options, ConstantStore* store);

// Reads text from anywhere: time and memory are bounded by its length and 256 MiB for splat and
// random. Errors: kModel with "line:column".
Result<Graph> parse_graph(std::string_view text, const ConstantStore* store = nullptr);

// Same nodes in the same order, same values, names, types, sources, checks; constants bit by bit.
// If not, `*why` (may be null) says where they differ first.
bool graphs_equal(const Graph& a, const Graph& b, std::string* why = nullptr);

// The same computation from inputs (compared by position) to outputs: names, sources, dead code,
// the order of nodes and what fresh symbols are called do not matter. For tests of passes.
bool same_structure(const Graph& a, const Graph& b, std::string* why = nullptr);

}  // namespace hone
