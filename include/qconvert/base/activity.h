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
  std::string where;  // "preparing the model, node X, sample Y"
};
LostCall FindLostCall();

}  // namespace qconvert

#endif  // QCONVERT_BASE_ACTIVITY_H_
