// What a model is: a thin, open graph.
//
// A node is domain + op type + attributes + names of values. There is no class per operator: an
// operator nobody has heard of passes through unchanged.
#ifndef QCONVERT_IR_GRAPH_H_
#define QCONVERT_IR_GRAPH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "qconvert/ir/tensor.h"

namespace qconvert {

struct Graph;

using Metadata = std::vector<std::pair<std::string, std::string>>;

// One dimension of a declared shape: a number, a symbol, or unknown (value < 0 and no symbol).
struct Dim {
  int64_t value = -1;
  std::string symbol;

  bool known() const { return value >= 0; }
  // It has a number or a name: two without either are not known to be the same.
  bool is_said() const { return known() || !symbol.empty(); }
  bool operator==(const Dim&) const = default;
};

// The declared or inferred type of a value. Everything but a tensor (sequence, map, optional,
// sparse tensor) is kept as the serialized ONNX TypeProto in `opaque` and never looked into.
struct ValueType {
  DataType element = DataType::kUndefined;
  std::optional<std::vector<Dim>> shape;  // absent: rank unknown
  std::string opaque;

  bool is_tensor() const { return opaque.empty() && element != DataType::kUndefined; }
  bool operator==(const ValueType&) const = default;
};

struct Value {
  std::string name;
  ValueType type;
  std::string doc;
  Metadata metadata;
};

// A graph held inside an attribute; copies deeply.
class Subgraph {
 public:
  explicit Subgraph(Graph graph);
  Subgraph(const Subgraph& other);
  Subgraph(Subgraph&& other) noexcept;
  Subgraph& operator=(Subgraph other) noexcept;
  ~Subgraph();

  Graph& graph() { return *graph_; }
  const Graph& graph() const { return *graph_; }

 private:
  std::unique_ptr<Graph> graph_;
};

// An undefined attribute value or a type: kept as serialized ONNX AttributeProto.
struct OpaqueAttribute {
  std::string bytes;
};

struct Attribute {
  using Data =
      std::variant<OpaqueAttribute, float, int64_t, std::string, Tensor, SparseTensor, Subgraph,
                   std::vector<float>, std::vector<int64_t>, std::vector<std::string>,
                   std::vector<Tensor>, std::vector<SparseTensor>, std::vector<Subgraph>>;
  Data data;
  std::string reference;  // inside a function: the function attribute this one stands for
  std::string doc;
};

struct Node {
  std::string name;
  std::string domain;  // "" is ai.onnx
  std::string op_type;
  std::string overload;
  std::vector<std::string> inputs;  // "" stands for an omitted optional input
  std::vector<std::string> outputs;
  std::map<std::string, Attribute, std::less<>> attributes;
  std::string doc;
  Metadata metadata;
  std::vector<std::string> device_configurations;  // serialized, passed through
  // Of a node that a pass made: the name of the node of the loaded model that it stands for, whose
  // settings hold for it. Not written to files.
  std::string origin;

  bool Is(std::string_view type) const { return op_type == type && domain.empty(); }
  // Input `i`, or "" when it is omitted.
  const std::string& input(size_t i) const;
  // The node of the loaded model that this one stands for: itself unless a pass made it.
  const std::string& origin_name() const { return origin.empty() ? name : origin; }

  // Attributes by name; `fallback` when absent or of another kind.
  int64_t GetInt(std::string_view key, int64_t fallback) const;
  float GetFloat(std::string_view key, float fallback) const;
  std::string GetString(std::string_view key, std::string_view fallback) const;
  const std::vector<int64_t>* FindInts(std::string_view key) const;

  template <typename T>
  void Set(std::string key, T value) {
    attributes.insert_or_assign(std::move(key), Attribute{std::move(value), {}, {}});
  }
};

// Whether a node gives its input other dimensions and does nothing else: Reshape, Flatten, Squeeze,
// Unsqueeze.
bool OnlyReshapes(const Node& node);

struct Graph {
  std::string name;
  std::string doc;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
  std::vector<Node> nodes;
  std::map<std::string, Tensor, std::less<>> initializers;
  std::vector<SparseTensor> sparse_initializers;  // the name is that of `values`
  // Declared (value_info) or inferred types of inner values.
  std::map<std::string, Value, std::less<>> value_info;
  // Names in value_info of which the file says more than an engine infers; written to files.
  std::set<std::string, std::less<>> declared;
  std::vector<std::string> quantization_annotations;  // serialized, passed through
  Metadata metadata;

  const Tensor* FindInitializer(std::string_view value) const;
  bool IsInput(std::string_view value) const;
  bool IsOutput(std::string_view value) const;
};

// A model-local function, ONNX FunctionProto.
struct Function {
  std::string name;
  std::string domain;
  std::string overload;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> attribute_names;
  std::map<std::string, Attribute, std::less<>> attribute_defaults;
  std::vector<Node> nodes;
  std::map<std::string, int64_t> opsets;
  std::vector<Value> value_info;
  Metadata metadata;
  std::string doc;
};

struct Model {
  int64_t ir_version = 0;
  std::map<std::string, int64_t> opsets;  // domain -> version; "" is ai.onnx
  std::string producer_name;
  std::string producer_version;
  std::string domain;
  int64_t model_version = 0;
  std::string doc;
  Metadata metadata;
  Graph graph;
  std::vector<Function> functions;
  std::vector<std::string> training_info;   // serialized, passed through
  std::vector<std::string> configurations;  // serialized, passed through

  int64_t opset() const;  // of ai.onnx; 0 when not imported
};

Node MakeNode(std::string op_type, std::vector<std::string> inputs,
              std::vector<std::string> outputs);

// The type of a tensor, all dimensions known.
ValueType TypeOf(const Tensor& tensor);

// Leaves in value_info what an engine cannot infer by itself, on every level: engines fuse by
// types.
void DropInferredTypes(Graph& graph);

// The subgraphs held by a node's attributes, in attribute order.
std::vector<Graph*> SubgraphsOf(Node& node);
std::vector<const Graph*> SubgraphsOf(const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_IR_GRAPH_H_
