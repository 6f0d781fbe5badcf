// What is going on inside the engine, kept where it outlives the process: the engine can be killed
// by a model, and whoever supervises the process says where that was.
#ifndef QCONVERT_BASE_ACTIVITY_H_
#define QCONVERT_BASE_ACTIVITY_H_

#include <string>
#include <string_view>

namespace qconvert {

// This thread is inside the engine: with which model, and doing what ("preparing the model").
class EngineCall {
 public:
  EngineCall(std::string_view place, std::string_view doing);
  ~EngineCall();
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;
};

// The sample that this thread reads or runs, and how far it came in the model: "node X", "value X".
// Cheap enough for every value. Texts are cut where they are long.
void NoteSample(std::string_view name);
void NoteProgress(std::string_view name);

// Makes the record, which children that are forked from then on share with this process.
void ShareActivity();

// SEGV, FPE and their like leave a note of the thread that met them, then kill as before. Only
// where nothing else handles them.
void RecordCrashes();

// The call that the engine did not come back from: of the thread that crashed, else of any thread.
struct LostCall {
  std::string place;  // empty: no thread was inside the engine
  std::string doing;
  std::string progress;
  std::string sample;

  // "preparing the model, node X, sample Y".
  std::string Where() const;
};
LostCall FindLostCall();

// A process of its own goes the same way again to find what the engine dies of (FindKiller of the
// runtime): it searches in calls that are like the lost one, and notes what it found where the
// supervisor reads it.
void SearchAgain(const LostCall& call);
bool IsSearching();
bool IsSearchedCall();  // this thread is inside a call like the lost one, and nothing was found yet
void NoteKiller(std::string_view node);
std::string FoundKiller();

}  // namespace qconvert

#endif  // QCONVERT_BASE_ACTIVITY_H_
