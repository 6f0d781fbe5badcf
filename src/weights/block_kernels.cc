#include "block_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "matrix_product.h"
#include "qconvert/base/checked.h"
#include "qconvert/weights/output_positions.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

Dims IntsOr(const Node& node, std::string_view key, size_t count, int64_t fallback) {
  // What is left out has the same number for every axis.
  const std::vector<int64_t>* ints = node.FindInts(key);
  return ints == nullptr ? Dims(count, fallback) : *ints;
}

size_t At(size_t i, const std::vector<int32_t>& indices) {
  return indices.empty() ? i : static_cast<size_t>(indices[i]);
}

Eigen::Map<const FloatMatrix> Rows(const Floats& values, Index cols) {
  return {values.data(), static_cast<Index>(values.size()) / cols, cols};
}

Eigen::Map<FloatMatrix> Rows(Floats& values, Index cols) {
  return {values.data(), static_cast<Index>(values.size()) / cols, cols};
}

Eigen::Map<const Eigen::ArrayXf> Array(const Floats& values) {
  return {values.data(), static_cast<Index>(values.size())};
}

Eigen::Map<Eigen::ArrayXf> Array(Floats& values) {
  return {values.data(), static_cast<Index>(values.size())};
}

// Of one run: farther apart are strides that nobody has, or rows.
constexpr int64_t kFarthestPixels = 4;

// Of the pixels of one tap.
std::vector<WindowRun> RunsOf(std::span<const int32_t> offsets) {
  std::vector<WindowRun> runs;
  for (size_t p = 0; p < offsets.size(); ++p) {
    // Padding ends a run: its pixels stay 0.
    if (offsets[p] < 0) continue;
    const auto pixel = static_cast<int64_t>(p);
    if (!runs.empty()) {
      WindowRun& last = runs.back();
      // The second pixel says how far the pixels of a run and their inputs lie apart; a
      // ConvTranspose has pixels in between that a tap does not reach.
      if (last.count == 1) {
        last.step = offsets[p] - last.offset;
        last.pixel_step = pixel - last.pixel <= kFarthestPixels ? pixel - last.pixel : 1;
      }
      if (pixel == last.pixel + last.count * last.pixel_step && last.step > 0 &&
          offsets[p] == last.offset + last.count * last.step) {
        ++last.count;
        continue;
      }
    }
    runs.push_back({.pixel = pixel, .offset = offsets[p]});
  }
  return runs;
}

// `steps`: by axis.
std::optional<Window> WithOffsets(Window window, const Dims& spatial, const Dims& kernel,
                                  const std::vector<TapSteps>& steps) {
  window.taps = CountOf(kernel);
  window.pixels = CountOf(window.outputs);
  window.plane = CountOf(spatial);
  // Offsets are kept in 32 bits: there is one for every pixel of every tap.
  if (window.plane > std::numeric_limits<int32_t>::max()) return std::nullopt;
  for (int64_t t = 0; t < window.taps; ++t) {
    for (int64_t p = 0; p < window.pixels; ++p) {
      int64_t offset = 0;
      int64_t stride = 1;
      int64_t tap = t;
      int64_t pixel = p;
      for (size_t d = spatial.size(); d-- > 0;) {
        const int64_t at = steps[d].InputOf(pixel % window.outputs[d], tap % kernel[d]);
        // On the padding of one axis it lies outside, whatever the others say.
        offset = at < 0 || at >= spatial[d] || offset < 0 ? -1 : offset + at * stride;
        stride *= spatial[d];
        tap /= kernel[d];
        pixel /= window.outputs[d];
      }
      window.offsets.push_back(static_cast<int32_t>(offset));
    }
    window.runs.push_back(RunsOf(
        std::span(window.offsets)
            .subspan(static_cast<size_t>(t * window.pixels), static_cast<size_t>(window.pixels))));
  }
  return window;
}

}  // namespace

int64_t CountOf(const Dims& dims) { return ElementCount(dims).value(); }

std::optional<Window> MakeWindow(const Node& node, const Dims& spatial, const Dims& kernel) {
  const size_t rank = spatial.size();
  const Dims strides = IntsOr(node, "strides", rank, 1);
  const Dims dilations = IntsOr(node, "dilations", rank, 1);
  const Dims pads = IntsOr(node, "pads", 2 * rank, 0);
  if (node.GetString("auto_pad", "NOTSET") != "NOTSET" || node.GetInt("ceil_mode", 0) != 0 ||
      kernel.size() != rank || strides.size() != rank || dilations.size() != rank ||
      pads.size() != 2 * rank)
    return std::nullopt;
  Window window;
  std::vector<TapSteps> steps;
  for (size_t d = 0; d < rank; ++d) {
    steps.push_back({strides[d], dilations[d], pads[d], false});
    const int64_t reach = dilations[d] * (kernel[d] - 1) + 1;
    const int64_t room = spatial[d] + pads[d] + pads[rank + d] - reach;
    if (room < 0) return std::nullopt;
    window.outputs.push_back(room / strides[d] + 1);
  }
  return WithOffsets(std::move(window), spatial, kernel, steps);
}

std::optional<Window> MakeTransposedWindow(const Node& node, const Dims& spatial,
                                           const Dims& kernel) {
  const size_t rank = spatial.size();
  const Dims strides = IntsOr(node, "strides", rank, 1);
  const Dims dilations = IntsOr(node, "dilations", rank, 1);
  const Dims pads = IntsOr(node, "pads", 2 * rank, 0);
  Window window;
  window.outputs = TransposedOutputs(node, spatial, kernel);
  if (window.outputs.empty()) return std::nullopt;
  std::vector<TapSteps> steps;
  for (size_t d = 0; d < rank; ++d) steps.push_back({strides[d], dilations[d], pads[d], true});
  return WithOffsets(std::move(window), spatial, kernel, steps);
}

void ConvKernel::FillColumns(const Floats& x, int64_t group, FloatMatrix& columns) const {
  const int64_t channels = in_channels / groups;
  // Runs leave padding out.
  columns.setZero(static_cast<Index>(order.size()), window.pixels);
  for (size_t k = 0; k < order.size(); ++k) {
    const float* plane = x.data() + (group * channels + order[k] / window.taps) * window.plane;
    float* row = columns.row(static_cast<Index>(k)).data();
    for (const WindowRun& run : window.runs[static_cast<size_t>(order[k] % window.taps)]) {
      const float* from = plane + run.offset;
      if (run.step == 1 && run.pixel_step == 1) {
        std::copy_n(from, run.count, row + run.pixel);
      } else {
        for (int64_t i = 0; i < run.count; ++i)
          row[run.pixel + i * run.pixel_step] = from[i * run.step];
      }
    }
  }
}

void ConvKernel::AddColumns(const FloatMatrix& columns, int64_t group, Floats& x) const {
  // Windows overlap: a number of x gets the sum of what reads it.
  for (size_t k = 0; k < order.size(); ++k) {
    const int64_t channel = group * (in_channels / groups) + order[k] / window.taps;
    float* plane = x.data() + channel * window.plane;
    const float* row = columns.row(static_cast<Index>(k)).data();
    for (const WindowRun& run : window.runs[static_cast<size_t>(order[k] % window.taps)]) {
      float* to = plane + run.offset;
      if (run.step == 1 && run.pixel_step == 1) {
        Eigen::Map<Eigen::ArrayXf>(to, run.count) +=
            Eigen::Map<const Eigen::ArrayXf>(row + run.pixel, run.count);
      } else {
        for (int64_t i = 0; i < run.count; ++i)
          to[i * run.step] += row[run.pixel + i * run.pixel_step];
      }
    }
  }
}

void ConvKernel::Forward(const Floats& x, const FloatMatrix& w, const FloatRow& b, Columns& columns,
                         Floats& y) const {
  auto rows = Rows(y, window.pixels);
  rows.colwise() = b.transpose();
  const Index channels = w.cols() / groups;
  columns.resize(static_cast<size_t>(groups));
  for (int64_t g = 0; g < groups; ++g) {
    FloatMatrix& of = columns[static_cast<size_t>(g)];
    FillColumns(x, g, of);
    AddProduct(w.middleCols(g * channels, channels), of, Transposed::kFirst,
               rows.middleRows(g * channels, channels));
  }
}

void ConvKernel::Backward(Columns& columns, const FloatMatrix& w, const Floats& by_y, Floats* by_x,
                          FloatMatrix& by_w, FloatRow& by_b) const {
  const auto rows = Rows(by_y, window.pixels);
  const Index channels = w.cols() / groups;
  by_b += rows.rowwise().sum().transpose();
  for (int64_t g = 0; g < groups; ++g) {
    FloatMatrix& of = columns[static_cast<size_t>(g)];
    const auto back = rows.middleRows(g * channels, channels);
    AddProduct(of, back, Transposed::kSecond, by_w.middleCols(g * channels, channels));
    if (by_x == nullptr) continue;
    // Their gradients, in their place: memory is what images take most.
    of.setZero();
    AddProduct(w.middleCols(g * channels, channels), back, Transposed::kNone, of);
    AddColumns(of, g, *by_x);
  }
}

void ForwardRows(const Floats& x, const FloatMatrix& w, const FloatRow& b, Floats& y) {
  auto rows = Rows(y, w.cols());
  rows.rowwise() = b;
  AddProduct(Rows(x, w.rows()), w, Transposed::kNone, rows);
}

void BackwardRows(const Floats& x, const FloatMatrix& w, const Floats& by_y, Floats* by_x,
                  FloatMatrix& by_w, FloatRow& by_b) {
  const auto back = Rows(by_y, w.cols());
  AddProduct(Rows(x, w.rows()), back, Transposed::kFirst, by_w);
  by_b += back.colwise().sum();
  if (by_x != nullptr) AddProduct(back, w, Transposed::kSecond, Rows(*by_x, w.rows()));
}

float ElementKernel::Value(float x) const {
  switch (kind) {
    case Kind::kClip:
      return std::min(std::max(x, low), high);
    case Kind::kHardSwish:
      return x * std::min(std::max(x / 6 + 0.5F, 0.0F), 1.0F);
    case Kind::kHardSigmoid:
      return std::min(std::max(alpha * x + beta, 0.0F), 1.0F);
    case Kind::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return x;
}

float ElementKernel::Slope(float x) const {
  switch (kind) {
    case Kind::kClip:
      return x >= low && x <= high ? 1.0F : 0.0F;
    case Kind::kHardSwish:
      // d/dx of x (x / 6 + 1/2).
      return x >= 3 ? 1.0F : x > -3 ? x / 3 + 0.5F : 0.0F;
    case Kind::kHardSigmoid: {
      const float y = alpha * x + beta;
      return y > 0 && y < 1 ? alpha : 0.0F;
    }
    case Kind::kSigmoid: {
      const float y = Value(x);
      return y * (1 - y);
    }
  }
  return 1;
}

void ElementKernel::Forward(const Floats& x, Floats& y) const {
  if (kind == Kind::kClip) {
    Array(y) = Array(x).max(low).min(high);
  } else {
    std::transform(x.begin(), x.end(), y.begin(), [&](float one) { return Value(one); });
  }
}

void ElementKernel::Backward(const Floats& x, const Floats& by_y, Floats& by_x) const {
  if (kind == Kind::kClip) {
    for (size_t i = 0; i < x.size(); ++i) {
      const float by = by_y[i];
      by_x[i] += std::min(std::max(x[i], low), high) == x[i] ? by : 0.0F;
    }
  } else {
    for (size_t i = 0; i < x.size(); ++i) by_x[i] += by_y[i] * Slope(x[i]);
  }
}

float PoolKernel::Divisor(int64_t pixel) const {
  if (counts_padding) return static_cast<float>(window.taps);
  int64_t count = 0;
  for (int64_t t = 0; t < window.taps; ++t)
    count += window.offsets[static_cast<size_t>(t * window.pixels + pixel)] >= 0 ? 1 : 0;
  // A window may lie on padding alone.
  return static_cast<float>(std::max<int64_t>(count, 1));
}

void PoolKernel::Forward(const Floats& x, Floats& y) const {
  for (size_t i = 0; i < y.size(); ++i) {
    const auto pixel = static_cast<int64_t>(i) % window.pixels;
    const float* plane = x.data() + static_cast<int64_t>(i) / window.pixels * window.plane;
    float most = -std::numeric_limits<float>::infinity();
    float sum = 0;
    for (int64_t t = 0; t < window.taps; ++t) {
      const int32_t offset = window.offsets[static_cast<size_t>(t * window.pixels + pixel)];
      if (offset < 0) continue;
      most = std::max(most, plane[offset]);
      sum += plane[offset];
    }
    y[i] = takes_largest ? most : sum / Divisor(pixel);
  }
}

void PoolKernel::Backward(const Floats& x, const Floats& by_y, Floats& by_x) const {
  for (size_t i = 0; i < by_y.size(); ++i) {
    const auto pixel = static_cast<int64_t>(i) % window.pixels;
    const int64_t start = static_cast<int64_t>(i) / window.pixels * window.plane;
    const float share = by_y[i] / Divisor(pixel);
    int64_t most = -1;
    for (int64_t t = 0; t < window.taps; ++t) {
      const int32_t offset = window.offsets[static_cast<size_t>(t * window.pixels + pixel)];
      if (offset < 0) continue;
      const int64_t at = start + offset;
      if (!takes_largest) by_x[static_cast<size_t>(at)] += share;
      // The first of equal ones gets it all.
      if (most < 0 || x[static_cast<size_t>(at)] > x[static_cast<size_t>(most)]) most = at;
    }
    if (takes_largest && most >= 0) by_x[static_cast<size_t>(most)] += by_y[i];
  }
}

void PairKernel::Forward(const Floats& a, const Floats& b, Floats& y) const {
  if (is_plain_sum()) {
    Array(y) = Array(a) + Array(b);
    return;
  }
  for (size_t i = 0; i < y.size(); ++i) {
    const float left = a[At(i, first)];
    const float right = b[At(i, second)];
    y[i] = multiplies ? left * right : left + right;
  }
}

void PairKernel::Backward(const Floats& a, const Floats& b, const Floats& by_y, Floats* by_a,
                          Floats* by_b) const {
  if (is_plain_sum()) {
    if (by_a != nullptr) Array(*by_a) += Array(by_y);
    if (by_b != nullptr) Array(*by_b) += Array(by_y);
    return;
  }
  for (size_t i = 0; i < by_y.size(); ++i) {
    const size_t left = At(i, first);
    const size_t right = At(i, second);
    if (by_a != nullptr) (*by_a)[left] += multiplies ? by_y[i] * b[right] : by_y[i];
    if (by_b != nullptr) (*by_b)[right] += multiplies ? by_y[i] * a[left] : by_y[i];
  }
}

std::optional<Dims> BroadcastDims(const Dims& a, const Dims& b) {
  Dims out(std::max(a.size(), b.size()), 1);
  for (const Dims* dims : {&a, &b}) {
    // Dimensions are aligned at the end.
    const size_t skipped = out.size() - dims->size();
    for (size_t d = 0; d < dims->size(); ++d) {
      int64_t& size = out[skipped + d];
      if ((*dims)[d] == 1) continue;
      if (size != 1 && size != (*dims)[d]) return std::nullopt;
      size = (*dims)[d];
    }
  }
  return out;
}

std::vector<int32_t> BroadcastIndices(const Dims& from, const Dims& to) {
  if (from == to) return {};
  std::vector<int32_t> indices(static_cast<size_t>(CountOf(to)));
  const size_t skipped = to.size() - from.size();
  for (size_t i = 0; i < indices.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t at = 0;
    int64_t stride = 1;
    for (size_t d = to.size(); d-- > 0;) {
      if (d >= skipped) {
        const int64_t size = from[d - skipped];
        // A dimension of 1 is read again and again.
        if (size != 1) at += rest % to[d] * stride;
        stride *= size;
      }
      rest /= to[d];
    }
    indices[i] = static_cast<int32_t>(at);
  }
  return indices;
}

}  // namespace qconvert
