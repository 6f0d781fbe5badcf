#include "qconvert/report/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "json_text.h"
#include "qconvert/base/counted.h"
#include "qconvert/report/decisions.h"

namespace qconvert {
namespace {

constexpr double kQuantiles[] = {0.5, 0.9, 0.99, 1.0};

template <typename Number>
Number Sum(std::span<const SampleScore> samples, Number (*of)(const SampleScore&)) {
  Number sum = 0;
  for (const SampleScore& sample : samples) sum += of(sample);
  return sum;
}

struct ModelResult {
  double top1 = 0;  // shares of positions
  double topk = 0;
  double loss = 0;  // mean
  std::optional<double> auc;
};

ModelResult ResultOf(const Evaluation& evaluation, LabelScore SampleScore::*model) {
  ModelResult result;
  for (const SampleScore& sample : evaluation.samples) {
    result.top1 += static_cast<double>((sample.*model).top1);
    result.topk += static_cast<double>((sample.*model).topk);
    result.loss += (sample.*model).loss;
  }
  const auto positions = static_cast<double>(std::max<int64_t>(evaluation.positions(), 1));
  result.top1 /= positions;
  result.topk /= positions;
  result.loss /= positions;
  if (evaluation.is_binary) result.auc = AreaUnderCurve(evaluation.samples, model);
  return result;
}

double Drop(const Evaluation& evaluation) {
  const auto lost = Sum<int64_t>(evaluation.samples, [](const SampleScore& s) { return s.lost; });
  const auto gained =
      Sum<int64_t>(evaluation.samples, [](const SampleScore& s) { return s.gained; });
  return static_cast<double>(lost - gained) /
         static_cast<double>(std::max<int64_t>(evaluation.positions(), 1));
}

bool HasValues(const Evaluation& evaluation) {
  return std::any_of(evaluation.samples.begin(), evaluation.samples.end(),
                     [](const SampleScore& sample) { return sample.has_values; });
}

// The noise that this share of the samples does not exceed, in dB; what cannot be compared counts
// as nothing but error, what has no elements not at all.
double SqnrQuantile(const Evaluation& evaluation, double share) {
  std::vector<double> noise;
  for (const SampleScore& sample : evaluation.samples)
    if (sample.has_values) noise.push_back(sample.noise());
  if (noise.empty()) return 0;
  const auto last = static_cast<double>(noise.size());
  // The nearest rank: the smallest number that at least this share does not exceed.
  // A share of 0 would come before the first.
  const size_t k = static_cast<size_t>(std::max(std::ceil(share * last) - 1, 0.0));
  std::nth_element(noise.begin(), noise.begin() + static_cast<ptrdiff_t>(k), noise.end());
  return SqnrOfNoise(noise[k]);
}

void FormatLabels(const Evaluation& evaluation, std::string& out) {
  auto sink = std::back_inserter(out);
  const ModelResult a = ResultOf(evaluation, &SampleScore::of_a);
  const ModelResult b = ResultOf(evaluation, &SampleScore::of_b);
  // Shares in percent, all else as it is.
  const auto row = [&](const std::string& name, double x, double y, double factor) {
    fmt::format_to(sink, "  {:<8} {:>10.4f} {:>10.4f} {:>+10.4f}\n", name, factor * x, factor * y,
                   factor * (y - x));
  };
  fmt::format_to(sink, "  {:<8} {:>10} {:>10} {:>10}\n", "labels", "float", "quantized", "change");
  row("top-1 %", a.top1, b.top1, 100);
  row(fmt::format("top-{} %", evaluation.k), a.topk, b.topk, 100);
  row("loss", a.loss, b.loss, 1);
  if (a.auc && b.auc) row("AUC", *a.auc, *b.auc, 1);
  const auto lost = Sum<int64_t>(evaluation.samples, [](const SampleScore& s) { return s.lost; });
  const auto gained =
      Sum<int64_t>(evaluation.samples, [](const SampleScore& s) { return s.gained; });
  fmt::format_to(sink, "  {} right in the float model only, {} in the quantized one only\n", lost,
                 gained);
}

void FormatBoxes(const Evaluation& evaluation, std::string& out) {
  const BoxScore found = evaluation.boxes();
  auto sink = std::back_inserter(out);
  fmt::format_to(sink,
                 "  boxes    {} in the float model, {} in the quantized one: {} lost, {} added\n",
                 found.in_a, found.in_b, found.in_a - found.matched, found.in_b - found.matched);
  fmt::format_to(sink,
                 "  F1       {:.4f}, of boxes of one class that overlap by half; {} of {} and {}\n",
                 evaluation.box_agreement(), evaluation.box_form, Text(evaluation.output),
                 Text(evaluation.scores_output));
}

Json BoxesJson(const Evaluation& evaluation) {
  const BoxScore found = evaluation.boxes();
  return {{"scores_output", Text(evaluation.scores_output)},
          {"min_score", evaluation.min_score},
          {"form", evaluation.box_form},
          {"float", found.in_a},
          {"quantized", found.in_b},
          {"lost", found.in_a - found.matched},
          {"added", found.in_b - found.matched},
          {"f1", evaluation.box_agreement()}};
}

std::string WhatDiffers(const SampleScore& sample) {
  const BoxScore& found = sample.boxes;
  // Boxes that found no partner, in either model.
  if (found.in_a + found.in_b > 2 * found.matched)
    return fmt::format(", {} lost and {} added", found.in_a - found.matched,
                       found.in_b - found.matched);
  if (sample.agreed == sample.positions) return "";
  // Without classes they are whole numbers.
  return sample.classes > 0 ? ", another class"
                            : fmt::format(", {} of {} numbers differ",
                                          sample.positions - sample.agreed, sample.positions);
}

std::string HowNear(const SampleScore& sample) {
  if (!sample.comparable) return "other shape or not finite";
  return sample.has_values ? fmt::format("{:.1f} dB", SqnrOfNoise(sample.noise())) : "no elements";
}

const char* TaskName(Task task) {
  switch (task) {
    case Task::kClassification:
      return "classification";
    case Task::kDetection:
      return "detection";
    case Task::kRegression:
      break;
  }
  return "regression";
}

Json ModelJson(const ModelResult& result) {
  return {{"top1", result.top1},
          {"topk", result.topk},
          {"loss", Number(result.loss)},
          {"auc", Number(result.auc)}};
}

}  // namespace

double SampleScore::noise() const {
  if (!comparable) return HUGE_VAL;
  if (error_power == 0) return 0;
  return float_power > 0 ? error_power / float_power : HUGE_VAL;
}

int64_t Evaluation::positions() const {
  return Sum<int64_t>(samples, [](const SampleScore& s) { return s.positions; });
}

BoxScore Evaluation::boxes() const {
  BoxScore sum;
  for (const SampleScore& sample : samples) {
    sum.in_a += sample.boxes.in_a;
    sum.in_b += sample.boxes.in_b;
    sum.matched += sample.boxes.matched;
  }
  return sum;
}

double Evaluation::box_agreement() const {
  const BoxScore sum = boxes();
  return sum.in_a + sum.in_b == 0
             // No boxes in both models is agreement, not a division by zero.
             ? 1
             : 2 * static_cast<double>(sum.matched) / static_cast<double>(sum.in_a + sum.in_b);
}

double Evaluation::agreement() const {
  if (task == Task::kDetection) return box_agreement();
  const auto agreed = Sum<int64_t>(samples, [](const SampleScore& s) { return s.agreed; });
  return static_cast<double>(agreed) / static_cast<double>(std::max<int64_t>(positions(), 1));
}

double Evaluation::DisagreementBound() const {
  double sum = 0;
  int64_t told = 0;
  for (const SampleScore& sample : samples) {
    // Without a position there was nothing to agree on.
    if (sample.positions == 0) continue;
    ++told;
    sum += static_cast<double>(sample.positions - sample.agreed) /
           static_cast<double>(sample.positions);
  }
  return BoundOfRate(sum, told);
}

std::vector<size_t> Evaluation::Worst() const {
  std::vector<size_t> order(samples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto alone = [&](size_t sample) {
    const BoxScore& found = samples[sample].boxes;
    return found.in_a + found.in_b - 2 * found.matched;
  };
  // Equal ones in the order of the files. Of other tasks no sample has boxes: noise decides.
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) {
    if (alone(x) != alone(y)) return alone(x) > alone(y);
    return samples[x].noise() > samples[y].noise();
  });
  order.resize(std::min(order.size(), worst));
  return order;
}

std::string Evaluation::Missed() const {
  if (max_drop && Drop(*this) > *max_drop) {
    return fmt::format("{:.4f} % of the labels are lost, expected at most {:.4f} %",
                       100 * Drop(*this), 100 * *max_drop);
  }
  // A share of nothing is none.
  if (min_agreement && task != Task::kDetection && positions() == 0) {
    return fmt::format("output {} has nothing to agree on, expected at least {:.4f} %",
                       Text(output), 100 * *min_agreement);
  }
  if (min_agreement && agreement() < *min_agreement) {
    return fmt::format("{:.4f} % of the {} agree, expected at least {:.4f} %", 100 * agreement(),
                       task == Task::kDetection ? "boxes" : "positions", 100 * *min_agreement);
  }
  return "";
}

std::optional<double> AreaUnderCurve(std::span<const SampleScore> samples,
                                     LabelScore SampleScore::*model) {
  std::vector<std::pair<double, bool>> margins;
  for (const SampleScore& sample : samples)
    margins.emplace_back((sample.*model).margin, sample.first_label == 1);
  std::sort(margins.begin(), margins.end());
  double below = 0;  // samples of class 0 with a smaller margin
  double wins = 0;
  double ones = 0;
  for (size_t first = 0; first < margins.size();) {
    size_t last = first;
    double zeros_here = 0;
    double ones_here = 0;
    // Equal margins together: a pair of them counts as half a win, in any order.
    for (; last < margins.size() && margins[last].first == margins[first].first; ++last)
      (margins[last].second ? ones_here : zeros_here) += 1;
    wins += ones_here * (below + zeros_here / 2);
    below += zeros_here;
    ones += ones_here;
    first = last;
  }
  // `below` counts all of class 0 by now.
  if (ones == 0 || below == 0) return std::nullopt;
  return wins / (ones * below);
}

std::string FormatEvaluation(const Evaluation& evaluation) {
  std::string out =
      fmt::format("{} against {}, output {}, {}\n", Text(evaluation.b), Text(evaluation.a),
                  Text(evaluation.output), Counted(std::ssize(evaluation.samples), "sample"));
  auto sink = std::back_inserter(out);
  if (evaluation.has_labels) FormatLabels(evaluation, out);
  if (evaluation.task == Task::kClassification) {
    fmt::format_to(sink, "  agree    {:.4f} % of {}, at least {:.4f} % with 95 % confidence\n",
                   100 * evaluation.agreement(), Counted(evaluation.positions(), "position"),
                   100 * (1 - evaluation.DisagreementBound()));
  }
  if (evaluation.task == Task::kDetection) FormatBoxes(evaluation, out);
  if (!HasValues(evaluation)) return out + "  SQNR dB  not compared: the output has no elements\n";
  fmt::format_to(
      sink, "  SQNR dB  at least {:.1f} in 50 % of the samples, {:.1f} in 90 %, {:.1f} in all\n",
      SqnrQuantile(evaluation, 0.5), SqnrQuantile(evaluation, 0.9), SqnrQuantile(evaluation, 1));
  const char* label = "worst";
  for (const size_t k : evaluation.Worst()) {
    const SampleScore& sample = evaluation.samples[k];
    fmt::format_to(sink, "  {:<7}  {} {}{}\n", label, ShortText(sample.name, 40), HowNear(sample),
                   WhatDiffers(sample));
    label = "";
  }
  return out;
}

std::string EvaluationJson(const Evaluation& evaluation, const std::string& exit_class) {
  Json json = {{"exit", exit_class},
               {"a", Text(evaluation.a)},
               {"b", Text(evaluation.b)},
               {"output", Text(evaluation.output)},
               {"task", TaskName(evaluation.task)},
               {"samples", evaluation.samples.size()}};
  if (evaluation.task == Task::kClassification) {
    json["positions"] = evaluation.positions();
    json["agreement"] = {{"share", evaluation.agreement()},
                         {"at_least", 1 - evaluation.DisagreementBound()},
                         {"confidence", 0.95}};
  }
  if (evaluation.task == Task::kDetection) json["boxes"] = BoxesJson(evaluation);
  if (evaluation.has_labels) {
    json["k"] = evaluation.k;
    json["float"] = ModelJson(ResultOf(evaluation, &SampleScore::of_a));
    json["quantized"] = ModelJson(ResultOf(evaluation, &SampleScore::of_b));
    json["drop"] = Drop(evaluation);
  }
  json["sqnr_db"] = Json::object();
  for (const double share : kQuantiles)
    if (HasValues(evaluation))
      json["sqnr_db"][fmt::format("{:g}", share)] = SqnrQuantile(evaluation, share);
  json["worst"] = Json::array();
  for (const size_t k : evaluation.Worst()) {
    const SampleScore& sample = evaluation.samples[k];
    json["worst"].push_back(
        {{"name", Text(sample.name)},
         {"sqnr_db", sample.has_values ? Json(SqnrOfNoise(sample.noise())) : Json()},
         {"agrees", sample.agreed == sample.positions}});
  }
  if (evaluation.max_drop || evaluation.min_agreement)
    json["budget"] = {{"passed", evaluation.Missed().empty()}, {"missed", evaluation.Missed()}};
  return json.dump(2) + "\n";
}

}  // namespace qconvert
