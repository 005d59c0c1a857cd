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

  /// The answers that need no stop. Leaves with subleaves are listed one by one.
  private static func identity(_ table: CPUIDTable) -> [IdentityAnswer] {
    var counts: [UInt32: Int] = [:]
    for record in table.records { counts[record.leaf, default: 0] += 1 }
    return table.records.map { record in
      let other = table.answer(leaf: record.leaf, subleaf: 0xffff)
      let isAlone = counts[record.leaf] == 1 && other.eax == record.eax && other.ebx == record.ebx
        && other.ecx == record.ecx && other.edx == record.edx
      return IdentityAnswer(
        leaf: record.leaf, subleaf: isAlone ? nil : record.subleaf, eax: record.eax, ebx: record.ebx, ecx: record.ecx,
        edx: record.edx)
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
    options.identity = identity(table)
    return SoftwareEngine(options: options, processor: processor)
  }
}
