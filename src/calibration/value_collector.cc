#include "value_collector.h"

#include <algorithm>
#include <span>

namespace qconvert {
namespace {

// Elements of `dims` from axis `first` to before `last`.
size_t Product(std::span<const int64_t> dims, size_t first, size_t last) {
  size_t product = 1;
  for (size_t d = first; d < last; ++d) product *= static_cast<size_t>(dims[d]);
  return product;
}

}  // namespace

void ValueCollector::AddChannels(const TensorView& value) {
  const auto rank = static_cast<int64_t>(value.dims.size());
  const int64_t axis = *requests_->channel_axis + (*requests_->channel_axis < 0 ? rank : 0);
  if (axis < 0 || axis >= rank) {
    same_channels_ = false;
    return;
  }
  const auto at = static_cast<size_t>(axis);
  const size_t outer = Product(value.dims, 0, at);
  const auto channels = static_cast<size_t>(value.dims[at]);
  const size_t inner = Product(value.dims, at + 1, value.dims.size());
  if (observations_++ == 0) channels_.resize(channels);
  if (channels != channels_.size()) same_channels_ = false;
  if (!same_channels_ || outer * inner == 0) return;
  const std::span<const float> values = value.floats();
  for (size_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (size_t o = 0; o < outer; ++o) {
      for (const float v : values.subspan((o * channels + c) * inner, inner))
        sum += static_cast<double>(v);
    }
    const auto mean = static_cast<float>(sum / static_cast<double>(outer * inner));
    // ExactSum takes finite numbers only.
    if (std::isfinite(mean)) channels_[c].Add(mean);
  }
}

void ValueCollector::Observe(size_t sample, const TensorView& value) {
  if (requests_->channel_axis) AddChannels(value);
  const auto bytes = static_cast<int64_t>(value.floats().size_bytes());
  if (captured_bytes_ + bytes > requests_->capture_bytes) {
    captured_bytes_ = requests_->capture_bytes;  // later ones would not be the first
    return;
  }
  captured_bytes_ += bytes;
  captured_.push_back({sample,
                       {value.dims.begin(), value.dims.end()},
                       {value.floats().begin(), value.floats().end()}});
}

void ValueCollector::Merge(const ValueCollector& other) {
  captured_.insert(captured_.end(), other.captured_.begin(), other.captured_.end());
  if (other.observations_ == 0) {
    same_channels_ &= other.same_channels_;
    return;
  }
  if (observations_ == 0) channels_.resize(other.channels_.size());
  same_channels_ &= other.same_channels_ && channels_.size() == other.channels_.size();
  observations_ += other.observations_;
  if (!same_channels_) return;
  for (size_t c = 0; c < channels_.size(); ++c) channels_[c].Merge(other.channels_[c]);
}

std::vector<double> ValueCollector::ChannelMeans() const {
  std::vector<double> means;
  if (!same_channels_) return means;
  for (const ExactSum& sum : channels_)
    means.push_back(sum.Value() / static_cast<double>(observations_));
  return means;
}

std::vector<CapturedValue> ValueCollector::Captured() const {
  std::vector<CapturedValue> in_order = captured_;
  std::stable_sort(
      in_order.begin(), in_order.end(),
      [](const CapturedValue& a, const CapturedValue& b) { return a.sample < b.sample; });
  // Every worker had the whole room to itself: of all that they kept, only the first fit.
  int64_t left = requests_->capture_bytes;
  const auto past = std::find_if(in_order.begin(), in_order.end(), [&](const CapturedValue& one) {
    left -= static_cast<int64_t>(one.values.size() * sizeof(float));
    return left < 0;
  });
  in_order.erase(past, in_order.end());
  return in_order;
}

}  // namespace qconvert
