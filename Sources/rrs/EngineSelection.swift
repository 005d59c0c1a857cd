import ArgumentParser
import CLinuxShim
import Execution
import Recording
import Replay
import TraceFormat
import Translation

/// `--engine`: what runs the program while it is recorded.
enum EngineSelection: String, ExpressibleByArgument, CaseIterable {
  /// The processor's counter where there is one that counts right, else translation.
  case auto
  /// Native execution that counts nothing: tracees change at system calls alone.
  case native
  case software

  /// The engine that records a trace with this header.
  func engine(for header: TraceHeader) -> any Engine {
    switch self {
    case .native: NativeEngine()
    case .auto, .software: Self.software(.nonForwardTransfers, header)
    }
  }

  /// An engine that counts what the trace's ticks are.
  static func engine(replaying header: TraceHeader) -> any Engine {
    switch header.tickDefinition {
    case .none: NativeEngine()
    case .nonForwardTransfers: software(.nonForwardTransfers, header)
    case .retiredConditionalBranches: software(.retiredConditionalBranches, header)
    }
  }

  private static func software(_ definition: TranslationOptions.TickDefinition, _ header: TraceHeader) -> any Engine {
    var options = TranslationOptions()
    options.tickDefinition = definition
    let table = CPUIDTable(records: header.cpuid)
    let processor = ProcessorIdentity(xcr0: header.xcr0) { leaf, subleaf in
      let answer = table.answer(leaf: leaf, subleaf: subleaf)
      return (answer.eax, answer.ebx, answer.ecx, answer.edx)
    }
    return SoftwareEngine(options: options, processor: processor)
  }
}
