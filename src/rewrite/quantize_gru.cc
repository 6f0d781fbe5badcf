#include "quantize_gru.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

constexpr size_t kBias = 3;
constexpr size_t kState = 5;
constexpr int64_t kGates = 3;

// Part `d` of a tensor cut into equal parts, as one of `dims`.
Tensor PartOf(const Tensor& whole, int64_t d, std::vector<int64_t> dims) {
  Tensor part;
  part.type = whole.type;
  part.dims = std::move(dims);
  const size_t bytes =
      static_cast<size_t>(part.element_count()) * static_cast<size_t>(BitsOf(whole.type)) / 8;
  part.bytes = std::make_shared<const std::string>(
      whole.bytes->substr(static_cast<size_t>(d) * bytes, bytes));
  return part;
}

// Columns [first, first + count) of a matrix.
Tensor ColumnsOf(const Tensor& matrix, int64_t first, int64_t count) {
  const auto size = static_cast<size_t>(BitsOf(matrix.type)) / 8;
  std::string bytes;
  for (int64_t row = 0; row < matrix.dims[0]; ++row) {
    const auto at = static_cast<size_t>(row * matrix.dims[1] + first);
    bytes.append(*matrix.bytes, at * size, static_cast<size_t>(count) * size);
  }
  Tensor out;
  out.type = matrix.type;
  out.dims = {matrix.dims[0], count};
  out.bytes = std::make_shared<const std::string>(std::move(bytes));
  return out;
}

class GruWriter {
 public:
  GruWriter(Graph& graph, QdqBuilder& builder, const Node& gru, const DynamicNodePlan& plan,
            const RunTimeCodes& x)
      : graph_(graph),
        builder_(builder),
        gru_(gru),
        plan_(plan),
        x_(x),
        columns_(plan.weights[0].codes.dims[2]),
        hidden_(columns_ / kGates) {
    QCONVERT_CHECK(plan.weights.size() == 2);
  }

  void Run() {
    const int64_t directions = plan_.weights[0].codes.dims[0];
    std::vector<std::string> all;
    std::vector<std::string> last;
    for (int64_t d = 0; d < directions; ++d) {
      const auto [states, state] = Direction(d);
      // Y is [steps, directions, batch, hidden], Y_h [directions, batch, hidden].
      all.push_back(Unsqueezed(states, 1));
      last.push_back(Unsqueezed(state, 0));
    }
    Join(all, 1, 0);
    Join(last, 0, 1);
  }

 private:
  std::string Fresh(const std::string& prefix) { return builder_.FreshName(prefix); }

  Node& EmitMain(const std::string& op_type, std::vector<std::string> inputs,
                 std::vector<std::string> outputs) {
    return Emit(graph_.nodes, op_type, std::move(inputs), std::move(outputs));
  }

  std::string Integers(std::vector<int64_t> dims, const std::vector<int64_t>& values) {
    return builder_.Constant(MakeInt64Tensor("", std::move(dims), values), "n");
  }

  std::string Unsqueezed(const std::string& value, int64_t axis) {
    const std::string out = Fresh("t");
    EmitMain("Unsqueeze", {value, Integers({1}, {axis})}, {out});
    return out;
  }

  // The directions behind one another are output `index`, where the node has it.
  void Join(const std::vector<std::string>& parts, int64_t axis, size_t index) {
    if (index >= gru_.outputs.size() || gru_.outputs[index].empty()) return;
    EmitMain("Concat", parts, {gru_.outputs[index]}).Set("axis", axis);
  }

  // [batch, hidden] before the first step.
  std::string FirstState(int64_t d) {
    const std::string out = Fresh("t");
    if (!gru_.input(kState).empty()) {
      EmitMain("Gather", {gru_.input(kState), Integers({}, {d})}, {out});
      return out;
    }
    const std::string shape = Fresh("t");
    const std::string batch = Fresh("t");
    const std::string dims = Fresh("t");
    // X is [steps, batch, inputs].
    EmitMain("Shape", {gru_.input(0)}, {shape});
    EmitMain("Gather", {shape, Integers({1}, {1})}, {batch});
    EmitMain("Concat", {batch, Integers({1}, {hidden_})}, {dims}).Set("axis", int64_t{0});
    // Zeros, which is what the operator fills with.
    EmitMain("ConstantOfShape", {dims}, {out});
    return out;
  }

  // Of W or R for one direction.
  Tensor Codes(size_t w, int64_t d) const {
    const Tensor& codes = plan_.weights[w].codes;
    return PartOf(codes, d, {codes.dims[1], columns_});
  }

  Tensor Scales(size_t w, int64_t d, int64_t column, int64_t count) const {
    const auto first = plan_.weights[w].params.scales.begin() + d * columns_ + column;
    return MakeFloatTensor("", {count}, std::vector<float>(first, first + count));
  }

  // The half of the bias that goes with W (0) or R (1).
  Tensor Bias(size_t w, int64_t d) const {
    const Tensor& bias = *graph_.FindInitializer(gru_.input(kBias));
    return PartOf(bias, 2 * d + static_cast<int64_t>(w), {columns_});
  }

  bool has_bias() const { return !gru_.input(kBias).empty(); }

  // What the steps add of the input, [steps, batch, 3 * hidden].
  std::string InputPart(int64_t d) {
    const std::string out = Fresh("t");
    const std::string product = has_bias() ? Fresh("t") : out;
    // One node of several can have the name of the GRU.
    EmitProduct(graph_.nodes, builder_, x_, builder_.Constant(Codes(0, d), "w"),
                builder_.Constant(Scales(0, d, 0, columns_), "s"), product,
                d == 0 ? gru_.name : "");
    if (has_bias()) EmitMain("Add", {product, builder_.Constant(Bias(0, d), "b")}, {out});
    return out;
  }

  // States after every step, and after the last.
  std::pair<std::string, std::string> Direction(int64_t d) {
    const std::string last = Fresh("t");
    const std::string states = Fresh("t");
    const std::string input = InputPart(d);
    const std::string first = FirstState(d);
    const bool is_reverse = d == 1 || gru_.GetString("direction", "forward") == "reverse";
    Graph body = Body(d);
    Node& scan = EmitMain("Scan", {first, input}, {last, states});
    scan.name = gru_.name.empty() ? "" : Fresh(gru_.name + "/scan");
    scan.Set("body", Subgraph(std::move(body)));
    scan.Set("num_scan_inputs", int64_t{1});
    const std::vector<int64_t> order = {is_reverse ? 1 : 0};
    scan.Set("scan_input_directions", order);
    // Backwards too: a state stands where the input of its step does.
    scan.Set("scan_output_directions", order);
    return {states, last};
  }

  // A constant of the body: the engine fuses products with those of their own level.
  std::string Inner(Graph& body, Tensor tensor, const std::string& prefix) {
    tensor.name = Fresh(prefix);
    return body.initializers.emplace(tensor.name, tensor).first->first;
  }

  // The first `count` gates of the value, [batch, hidden] each.
  std::vector<std::string> Gates(Graph& body, const std::string& value, int64_t count) {
    const std::string sizes = Inner(
        body,
        MakeInt64Tensor("", {count}, std::vector<int64_t>(static_cast<size_t>(count), hidden_)),
        "n");
    std::vector<std::string> gates;
    for (int64_t gate = 0; gate < count; ++gate) gates.push_back(Fresh("t"));
    Emit(body.nodes, "Split", {value, sizes}, gates).Set("axis", int64_t{1});
    return gates;
  }

  std::string Step(Graph& body, const std::string& op_type, std::vector<std::string> inputs) {
    const std::string out = Fresh("t");
    Emit(body.nodes, op_type, std::move(inputs), {out});
    return out;
  }

  // What the state adds to gates [first, first + count): [batch, count * hidden].
  std::string StatePart(Graph& body, const std::string& state, int64_t d, int64_t first,
                        int64_t count) {
    const int64_t column = first * hidden_;
    const int64_t columns = count * hidden_;
    const std::string product = Fresh("t");
    const RunTimeCodes codes = EmitRunTimeCodes(body.nodes, builder_, state);
    EmitProduct(body.nodes, builder_, codes,
                Inner(body, ColumnsOf(Codes(1, d), column, columns), "w"),
                Inner(body, Scales(1, d, column, columns), "s"), product, "");
    if (!has_bias()) return product;
    const Tensor bias = Bias(1, d);
    const auto from = bias.values<float>().begin() + column;
    return Step(
        body, "Add",
        {product, Inner(body, MakeFloatTensor("", {columns}, {from, from + columns}), "b")});
  }

  Graph Body(int64_t d) {
    const bool resets_product = gru_.GetInt("linear_before_reset", 0) != 0;
    Graph body;
    body.name = Fresh("step");
    const std::string h = Fresh("t");
    const std::string x = Fresh("t");
    // In the order of ONNX: update, reset, new state.
    const int64_t gates = resets_product ? kGates : kGates - 1;
    const std::vector<std::string> of_h = Gates(body, StatePart(body, h, d, 0, gates), gates);
    const std::vector<std::string> of_x = Gates(body, x, kGates);
    const std::string z = Step(body, "Sigmoid", {Step(body, "Add", {of_x[0], of_h[0]})});
    const std::string r = Step(body, "Sigmoid", {Step(body, "Add", {of_x[1], of_h[1]})});
    const std::string reset = Step(body, "Mul", {r, resets_product ? of_h[2] : h});
    const std::string part = resets_product ? reset : StatePart(body, reset, d, kGates - 1, 1);
    const std::string n = Step(body, "Tanh", {Step(body, "Add", {of_x[2], part})});
    // (1 - z) n + z h = n + z (h - n)
    const std::string kept = Step(body, "Mul", {z, Step(body, "Sub", {h, n})});
    const std::string next = Step(body, "Add", {n, kept});
    // The next step and the output each need a value of their own.
    const std::string told = Step(body, "Identity", {next});
    const ValueType type{DataType::kFloat, std::nullopt, ""};
    body.inputs = {{h, type, "", {}}, {x, type, "", {}}};
    body.outputs = {{next, type, "", {}}, {told, type, "", {}}};
    return body;
  }

  Graph& graph_;
  QdqBuilder& builder_;
  const Node& gru_;
  const DynamicNodePlan& plan_;
  const RunTimeCodes& x_;
  int64_t columns_;
  int64_t hidden_;
};

}  // namespace

void QuantizeGru(Graph& graph, QdqBuilder& builder, const Node& gru, const DynamicNodePlan& plan,
                 const RunTimeCodes& x) {
  GruWriter(graph, builder, gru, plan, x).Run();
}

}  // namespace qconvert
