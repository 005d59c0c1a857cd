import Execution
import KernelABI
import TraceeControl
import X86

/// What the software engine keeps of one tracee.
final class SoftwareTracee: EngineState {
  /// Its ticks as of its last stop.
  var ticks: UInt64 = 0
  /// The ticks that it was given when it was let run in the cache; nil while it isn't.
  var budget: Int64?
  /// Where the session wants it to stop.
  var limit: RunLimit?
  /// Whether the tracee's registers are those of the cache: it goes on there.
  var isInCache = false
  var call: CallPlace?
  var step: Step?
  /// The next instruction is to be executed where the program has it.
  var wantsOriginal = false
  /// Iterations of a string instruction that are executed at once, in its place.
  var repeated: RepeatedInstruction?
  /// These are a step that the session asked for.
  var repeatedIsRequested = false
  /// The debug registers that were hit and haven't been reported.
  var watchHits: UInt8 = 0
  /// The same of a watched page: where it was touched.
  var touched: RemotePointer?
  /// Watched pages that the instruction under way may touch.
  var liftedPages: [UInt64] = []
  /// The registers are to be as before the step when it is done: it only made its memory writable.
  var repeatsStep = false
  /// The instruction where it stands had been begun before: a breakpoint there has been passed.
  var passesBreakpoint = false
  /// Pages of code that the original instruction writes to.
  var pagesWritten: [UInt64] = []
  /// The registers with which it was let run, and the application's for the same state.
  var resumed: (processor: Registers, application: Registers)?
  var forcedSignals = ForcedSignals()
  var signalActions = ForcedSignals.Actions()
  /// It has run since its last stop at a point that a replay finds again.
  var isMidRun = false
  /// After PTRACE_EVENT_EXIT no more code is run.
  var isLeaving = false

  /// A system call made from the cache: the address behind it there, and in the application.
  struct CallPlace {
    var inCache: UInt64
    var inApplication: UInt64
  }

  /// One instruction that is executed in its place.
  struct Step {
    var start: UInt64
    var instruction: Instruction?
    var push: SteppedPush?
    /// The session asked for it.
    var isRequested: Bool
    /// A signal was delivered with it.
    var hasSignal: Bool
  }
}
