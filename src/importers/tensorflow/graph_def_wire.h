// Readers and writers of single messages, shared by the files that read and write GraphDefs and
// SavedModels. Internal to this folder. Readers throw as proto.h says.
#pragma once

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>

#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {

ShapeProto read_shape(Decoder& decoder, protozero::pbf_reader in);
NodeDef read_node(Decoder& decoder, protozero::pbf_reader in);
AttrValue read_attr_value(Decoder& decoder, protozero::pbf_reader in);
// Adds a map entry; the last of two with one key wins, as in protobuf.
void add_attr(Decoder& decoder, protozero::pbf_reader entry, AttrMap* attrs);
FunctionLibrary read_library(Decoder& decoder, protozero::pbf_reader in);
OpDef read_op_def(Decoder& decoder, protozero::pbf_reader in);
GraphDef read_graph(Decoder& decoder, protozero::pbf_reader in);

void write_shape(protozero::pbf_writer out, const ShapeProto& shape);
void write_op_def(protozero::pbf_writer out, const OpDef& op);
void write_graph(protozero::pbf_writer out, const GraphDef& graph);

// The serialized text when it is small enough for protobuf to read, else kOutOfResources.
Result<std::string> checked_size(std::string bytes);

}  // namespace hone::tf
