import ArgumentParser
import TraceFormat

/// `rrs traceinfo`
struct TraceInfoCommand: Verb {
  static let form = VerbForm(name: "traceinfo", options: [])

  static let configuration = VerbForm.configuration(
    "traceinfo", abstract: "Print what a trace says of itself, as JSON.")

  @Argument(help: "The trace. (default: the latest)", completion: .traces)
  var trace: String?

  func run() throws {
    let reader = try TraceReader(directory: TraceDirectory().resolve(trace))
    let summary = try TraceSummary(reader)
    var json = JSONText(isIndented: true)
    json.object { root in
      writeOrigin(reader.header, to: &root)
      writeMachine(reader.header, to: &root)
      root.bool("cutShort", reader.isCutShort)
      root.number("eventCount", reader.lastEventNumber)
      root.object("events") { events in
        for (name, count) in summary.kinds { events.number(name, count) }
      }
      root.number("processCount", summary.processCount)
      root.strings("notes", summary.notes)
    }
    var output = StandardOutput()
    output.print(json)
  }

  private func writeOrigin(_ header: TraceHeader, to root: inout JSONText) {
    root.string("uuid", TextFormat.uuid(header.uuid))
    root.string("rrsVersion", header.rrsVersion)
    root.string("engine", header.engine)
    root.string("ticksSemantics", header.tickDefinition.description)
    root.string("program", header.program)
    root.strings("commandLine", header.commandLine)
    root.string("workingDirectory", header.workingDirectory)
    root.string("start", TextFormat.localTime(nanosecondsSinceEpoch: header.startRealtimeNanoseconds))
    root.number("startRealtimeNanoseconds", header.startRealtimeNanoseconds)
    root.number("startMonotonicNanoseconds", header.startMonotonicNanoseconds)
    root.bool("chaosMode", header.chaosMode)
    root.number("schedulingSeed", header.schedulingSeed)
    root.bool("syscallBuffering", header.syscallBuffering)
    root.number("checksumInterval", header.checksumInterval)
  }

  private func writeMachine(_ header: TraceHeader, to root: inout JSONText) {
    root.number("bindToCpu", header.boundToCPU)
    root.bool("cpuidFaulting", header.hasCPUIDFaulting)
    root.number("xcr0", header.xcr0)
    root.number("extendedStateByteCount", header.extendedStateByteCount)
    root.strings("uname", header.kernel)
    root.strings("environ", header.environment)
    root.array("cpuidRecords") { records in
      for record in header.cpuid {
        records.object { entry in
          entry.hex("leaf", UInt64(record.leaf))
          entry.hex("subleaf", UInt64(record.subleaf))
          entry.hex("eax", UInt64(record.eax))
          entry.hex("ebx", UInt64(record.ebx))
          entry.hex("ecx", UInt64(record.ecx))
          entry.hex("edx", UInt64(record.edx))
        }
      }
    }
  }
}

/// What the events of a trace are, counted.
struct TraceSummary {
  /// In the order of `TraceEvent.Kind`; kinds that don't occur are left out.
  private(set) var kinds: [(name: String, count: UInt64)] = []
  private(set) var notes: [String] = []
  private(set) var processCount = 0

  init(_ reader: TraceReader) throws(TraceError) {
    var counts: [String: UInt64] = [:]
    while let event = try reader.nextEvent() {
      counts[event.kind.name, default: 0] += 1
      if case .note(let text) = event.kind { notes.append(text) }
    }
    kinds = TraceEvent.Kind.names.compactMap { name in counts[name].map { (name, $0) } }
    processCount = try ProcessTree(reader.traceeCursor()).processes.count
  }
}
