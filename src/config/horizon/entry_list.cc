#include "horizon/entry_list.h"

#include <fmt/format.h>

#include <string_view>

#include "horizon/horizon.h"
#include "op_names.h"
#include "qconvert/base/suggest.h"

namespace qconvert {

LayerSettings& EntryList::Add(LayerMatch match, const char* key, const ConfigNode& at) {
  const Subject subject{match.kind == LayerMatch::Kind::kType, match.pattern};
  last_[subject] = entries_.size();
  entries_.push_back({subject, key, at.place, config_.layers.size()});
  match.place = at.place.Text();
  return config_.layers.emplace_back(LayerSettings{std::move(match), config_.tensors});
}

LayerSettings& EntryList::AddNode(const std::string& name, const char* key, const ConfigNode& at) {
  return Add({.kind = LayerMatch::Kind::kNode, .pattern = name}, key, at);
}

LayerSettings& EntryList::AddType(const std::string& written, const char* key,
                                  const ConfigNode& at) {
  const std::string type = OpTypeInAnyCase(written);
  std::vector<OpMatch> types = FindOpTypes(type);
  const bool known = !types.empty();
  if (!known) {
    const std::string hint = DidYouMean(type, KnownOpNames());
    // A type that is near a known one is a typing error; one near nothing may be the model's own.
    if (!hint.empty())
      context_.problems.Add(at.place, fmt::format("unknown op type '{}'{}", type, hint));
    types = {{type}};
  }
  return Add({.kind = LayerMatch::Kind::kType,
              .pattern = type,
              .types = std::move(types),
              .known_type = known},
             key, at);
}

LayerSettings& EntryList::AddSubgraph(const std::string& name, const ConfigNode& at) {
  return config_.layers.emplace_back(LayerSettings{
      {.kind = LayerMatch::Kind::kSubgraph, .pattern = name, .place = at.place.Text()},
      config_.tensors});
}

LayerSettings* EntryList::Find(const Subject& subject) {
  const auto found = last_.find(subject);
  return found == last_.end() ? nullptr : &config_.layers[entries_[found->second].layer];
}

void EntryList::TellOverridden() const {
  for (const Entry& entry : entries_) {
    const Entry& holds = entries_[last_.at(entry.subject)];
    if (config_.layers[entry.layer].tensors == config_.layers[holds.layer].tensors) continue;
    const std::string& name = entry.subject.second;
    if (std::string_view(entry.key) == holds.key) {
      context_.problems.Add(entry.place,
                            fmt::format("{} says two things of '{}'{}", entry.key, name,
                                        entry.place.Text() == holds.place.Text()
                                            ? ""
                                            : ", the other one at " + holds.place.Text()));
    } else {
      context_.Warn(entry.place,
                    fmt::format("{} of '{}' has no effect, {} ({}) says something else", entry.key,
                                name, holds.key, holds.place.Text()));
    }
  }
}

}  // namespace qconvert
