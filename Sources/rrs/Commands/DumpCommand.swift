import ArgumentParser
import KernelABI
import TraceFormat

/// `rrs dump`
struct DumpCommand: Verb {
  static let form = VerbForm(
    name: "dump",
    options: [
      .flag("syscallbuf", "b"), .flag("task-events", "e"), .flag("recorded-metadata", "m"), .flag("mmaps", "p"),
      .flag("raw", "r"), .flag("statistics", "s"), .value("tid", "t"), .flag("socket-addresses"), .flag("json"),
    ])

  static let configuration = VerbForm.configuration(
    "dump", abstract: "Print the events of a recording.",
    discussion: """
      Columns: event, tracee, ticks, and what happened; system calls as strace prints them, as far as the trace holds \
      their arguments. Events are selected as N, as N-M, or as 'end', the last one.
      """)

  @Flag(name: [.customShort("e"), .customLong("task-events")], help: "Show births, images and deaths of tracees.")
  var showsTracees = false

  @Flag(
    name: [.customShort("m"), .customLong("recorded-metadata")], help: "Show where the kernel wrote to memory.")
  var showsWrites = false

  @Flag(name: [.customShort("p"), .customLong("mmaps")], help: "Show the mappings that were made.")
  var showsMappings = false

  @Flag(
    name: [.customShort("r"), .customLong("raw")],
    help: "For scripts, a line each: event, tid, kind (a number), ticks, registers as in user_regs_struct.")
  var raw = false

  @Flag(
    name: [.customShort("s"), .customLong("statistics")],
    help: "Print statistics of the events at the end, and when checkpoints were saved and loaded.")
  var statistics = false

  @Option(
    name: [.customShort("t"), .customLong("tid")],
    help: ArgumentHelp("Only events of this tracee. Repeatable.", valueName: "tid"))
  var tids: [Int32] = []

  @Flag(name: .customLong("socket-addresses"), help: "Show the addresses that system calls on sockets had.")
  var showsSocketAddresses = false

  @Flag(name: .customLong("json"), help: "One JSON object a line; addresses and registers are strings.")
  var json = false

  // There is no syscall buffer whose contents could be shown.
  @Flag(name: [.customShort("b"), .customLong("syscallbuf")], help: .hidden) var showsSyscallBuffer = false

  @Argument(help: "The trace (default: the latest), and the events to print (default: all).", completion: .traces)
  var arguments: [String] = []

  func run() throws {
    guard !(raw && json) else { throw UsageError("--raw and --json exclude each other") }
    let (trace, selectors) = try parseArguments()
    let reader = try TraceReader(directory: TraceDirectory().resolve(trace))
    let details = EventDetails(
      tracees: showsTracees, writes: showsWrites, mappings: showsMappings, socketAddresses: showsSocketAddresses)
    let tracees = Set(tids.map { Tid($0) })
    var counts = EventStatistics()
    var output = StandardOutput()
    let checkpoints = raw || json ? [:] : Dictionary(grouping: CheckpointStore(reader).list().places, by: \.event)
    for range in selectors.map({ $0.range(last: reader.lastEventNumber) }) {
      guard range.lowerBound <= reader.lastEventNumber else { continue }
      try reader.seek(toEvent: range.lowerBound)
      while let event = try reader.nextEvent(), event.number <= range.upperBound {
        guard tracees.isEmpty || tracees.contains(event.tid) else { continue }
        counts.add(event)
        if json {
          output.print(try EventJSON(reader: reader, details: details).json(event))
        } else if raw {
          output.print(EventText.raw(event))
        } else {
          for line in try EventText(reader: reader, details: details).lines(event) { output.print(line) }
          for place in checkpoints[event.number] ?? [] { output.print(EventText.line(place)) }
        }
      }
    }
    if statistics {
      for line in counts.lines + CheckpointStore(reader).log().compactMap(EventText.logLine) { output.print(line) }
    }
    if reader.isCutShort && !raw && !json { warn("the trace is cut short: it has no end event") }
  }

  /// The first argument is the trace, unless it has the form of a selector and no trace has that name.
  private func parseArguments() throws -> (trace: String?, selectors: [EventSelector]) {
    var rest = arguments[...]
    var trace: String?
    if let first = rest.first {
      let namesTrace = (try? TraceDirectory().resolve(first)) != nil
      if namesTrace || EventSelector(parsing: first) == nil {
        trace = first
        rest = rest.dropFirst()
      }
    }
    let selectors = try rest.map { text in
      guard let selector = EventSelector(parsing: text) else {
        throw UsageError("'\(text)' selects no events: give N, N-M or 'end'")
      }
      return selector
    }
    return (trace, selectors.isEmpty ? [.range(1, .max)] : selectors)
  }
}

/// Which events `dump` prints.
package enum EventSelector: Equatable {
  case range(UInt64, UInt64)
  case end

  package init?(parsing text: String) {
    if text == "end" {
      self = .end
      return
    }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { $0.allSatisfy(\.isASCII) && $0.first?.isNumber == true ? UInt64($0) : nil }
    guard numbers.count == parts.count, (1...2).contains(numbers.count), numbers[0] <= numbers[numbers.count - 1] else {
      return nil
    }
    self = .range(numbers[0], numbers[numbers.count - 1])
  }

  func range(last: UInt64) -> ClosedRange<UInt64> {
    switch self {
    case .range(let first, let last): max(first, 1)...max(last, 1)
    case .end: max(last, 1)...max(last, 1)
    }
  }
}

/// What `dump` shows beside the events themselves.
struct EventDetails {
  var tracees: Bool
  var writes: Bool
  var mappings: Bool
  var socketAddresses: Bool
}
