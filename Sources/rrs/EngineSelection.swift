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
  case hardware
  case software
  /// Native execution that counts nothing: tracees change at system calls alone.
  case native

  /// Those that users choose from.
  static var allValueStrings: [String] { [auto, hardware, software].map(\.rawValue) }

  /// The engine that records a trace with this header. `interceptingCPUID`: it has to answer cpuid itself.
  func engine(for header: TraceHeader, interceptingCPUID: Bool) throws -> any Engine {
    switch self {
    case .native:
      return NativeEngine()
    case .software:
      return Self.software(.nonForwardTransfers, header)
    case .auto:
      if !interceptingCPUID, case .usable(let processor) = HardwareCounter.find() { return Self.hardware(processor) }
      return Self.software(.nonForwardTransfers, header)
    case .hardware:
      switch HardwareCounter.find() {
      case .usable(let processor): return Self.hardware(processor)
      case .unusable(let reason, _):
        throw RecordError.unavailable(
          "the hardware engine has no counter (\(reason)); see `rrs doctor`, or take --engine=software")
      }
    }
  }

  /// An engine that counts what the trace's ticks are. What the translator has recorded in branches may have a
  /// processor with hidden features in it.
  static func engine(replaying header: TraceHeader) -> any Engine {
    switch header.tickDefinition {
    case .none: return NativeEngine()
    case .nonForwardTransfers: return software(.nonForwardTransfers, header)
    case .retiredConditionalBranches:
      if header.engine == "hardware", case .usable(let processor) = HardwareCounter.find() {
        return hardware(processor)
      }
      return software(.retiredConditionalBranches, header)
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

  private static func hardware(_ processor: Microarchitecture) -> any Engine {
    HardwareEngine(source: PerformanceCounters(processor))
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
