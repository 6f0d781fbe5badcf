// What passes that recognise operators spelled out ask of a graph.
#ifndef QCONVERT_SRC_TRANSFORM_MATCHER_H_
#define QCONVERT_SRC_TRANSFORM_MATCHER_H_

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

inline constexpr double kDecimal = 3e-6;  // sqrt(2) as 1.41421
// Rounded to float16, or made of a few numbers that were.
inline constexpr double kHalf = 1e-3;

// The same number, one of them written as a decimal or rounded to float.
bool IsClose(double a, double b, double relative = kDecimal);

// A value and the number it is combined with.
struct WithNumber {
  std::string value;
  double number = 0;
};

// Looks at a graph; valid until its nodes change.
class Matcher {
 public:
  explicit Matcher(const Graph& graph);

  // IsClose, as kHalf says where every number of the graph is one of float16.
  bool IsClose(double a, double b) const { return qconvert::IsClose(a, b, relative_); }
  // A constant float of one element that broadcasts without adding dimensions to `beside`, which
  // has none where it is not given.
  std::optional<double> Number(const std::string& value, const std::string& beside = {}) const;
  // The same of an exponent, which may be an integer.
  std::optional<double> Exponent(const std::string& value) const;
  // The node that writes `value`, or nullptr; with a type: only one of that.
  const Node* Writer(const std::string& value) const { return topology_.Producer(value); }
  const Node* Writer(const std::string& value, std::string_view type) const;
  // The only node that reads `value`, once; nullptr when there are others.
  const Node* Reader(const std::string& value) const;
  // How often nodes read `value`; one that is a graph output is read once more.
  size_t Uses(const std::string& value) const {
    return topology_.Uses(value).size() + (topology_.IsGraphOutput(value) ? 1 : 0);
  }
  // Where a node of the graph is in graph.nodes.
  size_t IndexOf(const Node& node) const {
    return static_cast<size_t>(&node - graph_.nodes.data());
  }
  // The node that writes `value` as 1 / its last input; as the square root of its first one.
  const Node* Reciprocal(const std::string& value) const;
  const Node* Root(const std::string& value) const;
  // Of a node with two inputs, one of which is a number.
  std::optional<WithNumber> EitherNumber(const Node& node) const;
  // node = value + number, in either order, or value - (-number); value * number, or value / (1 /
  // number).
  std::optional<WithNumber> Sum(const Node* node) const;
  std::optional<WithNumber> Product(const Node* node) const;
  // The other input of a node with two, one of which is `value`.
  static const std::string& Other(const Node& node, const std::string& value);

  bool IsFloat(const std::string& value) const;
  // The dimensions of a tensor of known rank.
  std::optional<std::vector<Dim>> Shape(const std::string& value) const;
  // Along which axes a reduction goes: from the front, sorted. The second for one that keeps them
  // as 1.
  std::optional<std::vector<int64_t>> Axes(const Node& reduction) const;
  std::optional<std::vector<int64_t>> KeptAxes(const Node& reduction) const;

  // True when nothing outside `unit` reads what its nodes write but `last`, the one that gives the
  // result.
  bool IsClosed(const std::set<const Node*>& unit, const Node& last) const;

 private:
  const Graph& graph_;
  Topology topology_;
  Scope scope_;
  double relative_;
};

// Writes nodes in the place of others. All names of the graph are kept until Finish.
class UnitWriter {
 public:
  explicit UnitWriter(Graph& graph) : graph_(graph), names_(graph) {}

  // A float scalar; the same value is stored once.
  std::string Scalar(double number);
  std::string Constant(Tensor tensor);
  // Adds a node for `stands_for` that writes a new value of the type of what `like` names, and
  // returns that value.
  std::string Add(const Node& stands_for, const std::string& like, std::string op_type,
                  std::vector<std::string> inputs);
  // The node of the last Add, for its attributes.
  Node& Last() { return made_.back(); }
  // Declares the type of a value that Add gave.
  void SetType(const std::string& value, ValueType type);
  // `node` becomes one that writes the same value. Its name and origin stay.
  void Become(Node& node, std::string op_type, std::vector<std::string> inputs);
  // Puts the nodes into the graph, in order, and removes what nobody reads any more.
  void Finish();

 private:
  Graph& graph_;
  NameMaker names_;
  std::vector<Node> made_;
  std::map<float, std::string> scalars_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_MATCHER_H_
