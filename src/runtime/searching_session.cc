#include "searching_session.h"

#include <utility>

#include "find_killer.h"
#include "qconvert/base/activity.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

void Search(const std::string& place, const char* doing, const std::string& model_bytes,
            const TryModel& attempt) {
  const EngineCall call(place, doing);
  if (!IsSearchedCall()) return;
  const std::string killer = FindKiller(model_bytes, attempt);
  if (killer.empty()) return;
  NoteKiller(killer);
  throw Error(ExitCode::kModel, place, killer + " kills the engine");
}

class SearchingSession : public Session {
 public:
  SearchingSession(std::string model_bytes, std::string place, OpenBytes open)
      : model_bytes_(std::move(model_bytes)),
        place_(std::move(place)),
        open_(std::move(open)),
        session_(open_(model_bytes_)) {}

  const std::vector<Value>& inputs() const override { return session_->inputs(); }
  const std::vector<Value>& outputs() const override { return session_->outputs(); }

  std::vector<Tensor> Run(std::span<const Tensor> inputs, ValueObserver* observer) const override {
    Search(place_, kRunning, model_bytes_,
           // Without the observer: a part is only to live or to die.
           [&](const std::string& part) { open_(part)->Run(inputs, nullptr); });
    return session_->Run(inputs, observer);
  }

 private:
  std::string model_bytes_;
  std::string place_;
  OpenBytes open_;
  std::unique_ptr<Session> session_;
};

}  // namespace

std::unique_ptr<Session> OpenSearching(const std::string& model_bytes, const std::string& place,
                                       OpenBytes open) {
  NoteSample("");
  Search(place, kPreparing, model_bytes, open);
  return std::make_unique<SearchingSession>(model_bytes, place, std::move(open));
}

}  // namespace qconvert
