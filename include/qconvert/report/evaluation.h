// How good two models are at their task, and how often they agree: what qconvert evaluate tells.
#ifndef QCONVERT_REPORT_EVALUATION_H_
#define QCONVERT_REPORT_EVALUATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "qconvert/ir/tensor.h"
#include "qconvert/report/detections.h"
#include "qconvert/report/output_kind.h"

namespace qconvert {

enum class Task {
  kClassification,  // scores of classes along an axis, or one score between two classes
  kRegression,      // plain values
  kDetection,       // boxes with scores
};

// What one model makes of one sample's labels.
struct LabelScore {
  int64_t top1 = 0;   // positions where the label has the greatest score
  int64_t topk = 0;   // where it is among the k greatest
  double loss = 0;    // sum of -log p(label), p = softmax of scores that are no probabilities
  double margin = 0;  // score of class 1 above that of class 0, of the only position
};

// Boxes of both models on one sample.
struct BoxScore {
  int64_t in_a = 0;
  int64_t in_b = 0;
  int64_t matched = 0;
};

// Both models on one sample.
struct SampleScore {
  std::string name;
  int64_t positions = 0;  // where a class is told; 1 in a plain classifier; of integers: elements
  int64_t classes = 0;
  int64_t agreed = 0;      // where both have the same greatest score, or the same integer
  bool comparable = true;  // one shape, all values finite
  bool has_values = true;  // false: the outputs have no elements
  double float_power = 0;  // of outputs that are no floats: elements
  double error_power = 0;  // and those that differ
  double max_error = 0;
  LabelScore of_a;  // with labels only
  LabelScore of_b;
  int64_t lost = 0;    // positions that are right in the first model only
  int64_t gained = 0;  // right in the second only
  int64_t first_label = 0;
  BoxScore boxes;  // of detectors only

  double noise() const;  // error power over signal power
};

struct ScoreOptions {
  Task task = Task::kClassification;
  OutputKind kind;  // where the classes are; kNone: along the last axis
  int k = 5;
};

// Scores one sample of one output. `labels`: a class for every position, or empty. Throws
// Error(kData) for labels that are no class or are not one for each position. Memory: that of the
// values as floats.
SampleScore ScoreSample(const Tensor& a, const Tensor& b, std::span<const int64_t> labels,
                        const ScoreOptions& options);

struct Evaluation {
  std::string a;  // as the user named them
  std::string b;
  std::string output;
  Task task = Task::kClassification;
  int k = 5;
  bool has_labels = false;
  bool is_binary = false;            // two classes, one position: there is an AUC
  std::vector<SampleScore> samples;  // in the order of the files
  size_t worst = 5;                  // how many samples are named
  // Budgets; what is not given is not asked for.
  std::optional<double> max_drop;       // share of labels right in a that may be lost in b, net
  std::optional<double> min_agreement;  // share of positions

  // What has been found with a detector, and where.
  std::string scores_output;  // `output` holds the boxes
  double min_score = 0;
  std::string box_form;  // "corners, probabilities"

  int64_t positions() const;
  BoxScore boxes() const;
  // Of both models' boxes the share that have a partner in the other one: 2 matched / (a + b), the
  // F1 of each against the other. 1 without boxes.
  double box_agreement() const;
  // Of detectors that of boxes.
  double agreement() const;
  // Greatest share of disagreement that 95 % confidence leaves, exact (DecisionSums::UpperBound).
  double DisagreementBound() const;
  // The samples of most noise, those that cannot be compared first; of detectors those of most
  // boxes without a partner.
  std::vector<size_t> Worst() const;
  // Which budget is missed, in words; empty: none.
  std::string Missed() const;
};

// Scores one sample of a detector: SQNR of the boxes' output beside what was found.
SampleScore ScoreBoxes(const Tensor& boxes_a, const Tensor& scores_a, const Tensor& boxes_b,
                       const Tensor& scores_b, const BoxForm& form, double min_score);

// Area under the curve of true over false positives = the probability that a sample of class 1 has
// a greater margin than one of class 0, equal ones counting half (Mann and Whitney 1947). Nothing
// when a class has no sample.
std::optional<double> AreaUnderCurve(std::span<const SampleScore> samples,
                                     LabelScore SampleScore::*model);

std::string FormatEvaluation(const Evaluation& evaluation);
std::string EvaluationJson(const Evaluation& evaluation, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_EVALUATION_H_
