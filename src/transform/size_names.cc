#include "size_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

constexpr size_t kLongestName = 96;
constexpr int64_t kLargest = int64_t{1} << 30;  // of what a formula is made of: products stay below

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

bool IsSmall(int64_t number) { return number > -kLargest && number < kLargest; }

// In brackets where it is more than a name.
std::string Operand(const std::string& symbol) {
  const bool begins = std::isdigit(static_cast<unsigned char>(symbol[0])) == 0;
  const bool is_name =
      begins && std::all_of(symbol.begin(), symbol.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
      });
  return is_name ? symbol : "(" + symbol + ")";
}

}  // namespace

Length Exactly(int64_t number) { return {number, {}, false}; }

Lengths LengthsOf(const std::vector<Dim>& dims) {
  Lengths out;
  for (const Dim& dim : dims)
    out.push_back(dim.known() ? Exactly(dim.value) : Length{{}, dim.symbol, false});
  return out;
}

SizeNames::SizeNames(const Graph& graph) {
  for (const std::vector<Value>* values : {&graph.inputs, &graph.outputs})
    for (const Value& value : *values)
      if (value.type.shape)
        for (const Dim& dim : *value.type.shape) taken_.insert(dim.symbol);
}

SizeNames::Formula SizeNames::FormulaOf(const Length& a) const {
  const auto it = formulas_.find(a.symbol);
  return it == formulas_.end() ? Formula{.base = a.symbol} : it->second;
}

Length SizeNames::NameOf(const std::string& text, const Formula& formula) {
  if (text.size() > kLongestName || taken_.contains(text)) return {};
  formulas_.emplace(text, formula);
  return {{}, text, false};
}

Length SizeNames::NameOf(Formula f) {
  if (!IsSmall(f.times) || !IsSmall(f.by) || f.times <= 0) return {};
  // floor((2 W + 1) / 4) is floor(W / 2), and of floor((W + 3) / 2) one is outside.
  const int64_t common = std::gcd(f.times, f.by);
  f.times /= common;
  f.by /= common;
  f.plus = FloorDivide(f.plus, common);
  f.then += FloorDivide(f.plus, f.by);
  f.plus -= FloorDivide(f.plus, f.by) * f.by;
  if (!IsSmall(f.then)) return {};
  if (f.times == 1 && f.by == 1 && f.then == 0) return {{}, f.base, false};
  std::string text = Operand(f.base);
  if (f.times != 1) text = fmt::format("{}*{}", f.times, text);
  if (f.by != 1 && f.plus != 0) text = fmt::format("({}+{})", text, f.plus);
  if (f.by != 1) text = fmt::format("floor({}/{})", text, f.by);
  if (f.then != 0) text = fmt::format("{}{:+}", text, f.then);
  return NameOf(text, f);
}

Length SizeNames::Add(const Length& a, int64_t number) {
  if (!a.is_exact() || !IsSmall(number)) return {};
  if (a.number) {
    const auto sum = CheckedAdd(*a.number, number);
    return sum ? Exactly(*sum) : Length{};
  }
  Formula formula = FormulaOf(a);
  formula.then += number;
  return NameOf(std::move(formula));
}

Length SizeNames::Divide(const Length& a, int64_t divisor) {
  if (!a.is_exact() || divisor <= 0 || !IsSmall(divisor)) return {};
  if (a.number) return Exactly(FloorDivide(*a.number, divisor));
  Formula formula = FormulaOf(a);
  // floor((floor(u / by) + then) / divisor) = floor((u + by then) / (by divisor))
  formula.plus += formula.by * std::exchange(formula.then, 0);
  formula.by *= divisor;
  return NameOf(std::move(formula));
}

Length SizeNames::Multiply(const Length& a, int64_t factor) {
  if (!a.is_exact() || factor <= 0 || !IsSmall(factor)) return {};
  if (a.number) {
    const auto product = CheckedMul(*a.number, factor);
    return product ? Exactly(*product) : Length{};
  }
  if (factor == 1) return a;
  Formula formula = FormulaOf(a);
  if (formula.by != 1) return NameOf({.base = a.symbol, .times = factor});
  formula.times *= factor;
  formula.then *= factor;
  return NameOf(std::move(formula));
}

Length SizeNames::Add(const Length& a, const Length& b) {
  if (b.number) return Add(a, *b.number);
  if (a.number) return Add(b, *a.number);
  if (!a.is_exact() || !b.is_exact()) return {};
  if (a == b) return Multiply(a, 2);
  const auto [first, second] = std::minmax({Operand(a.symbol), Operand(b.symbol)});
  const std::string text = first + "+" + second;
  return NameOf(text, {.base = text});
}

Length SizeNames::Multiply(const Length& a, const Length& b) {
  if (b.number) return Multiply(a, *b.number);
  if (a.number) return Multiply(b, *a.number);
  if (!a.is_exact() || !b.is_exact()) return {};
  const auto [first, second] = std::minmax({Operand(a.symbol), Operand(b.symbol)});
  const std::string text = first + "*" + second;
  return NameOf(text, {.base = text});
}

Length SizeNames::Derived(const Length& a, const std::string& rule) {
  if (!a.is_exact() || a.number) return {};
  const std::string text = fmt::format("{}:{}", Operand(a.symbol), rule);
  return NameOf(text, {.base = text});
}

bool SizeNames::IsNatural(const Length& a) const {
  if (!a.is_exact() || a.number) return a.number.value_or(-1) >= 0;
  return FormulaOf(a).then >= 0;  // what is divided is made so that `plus` is below `by`
}

}  // namespace qconvert
