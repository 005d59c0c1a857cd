package import KernelABI
package import TraceFormat

/// What the timeline asks of any event, without moving the replay. Parts of the trace are read when they are asked for.
package final class EventIndex {
  package struct Entry: Sendable {
    package var tid: Tid
    package var ticks: UInt64
    package var monotonicNanoseconds: UInt64
    package var kind: Kind
  }

  package enum Kind: Equatable, Sendable {
    case syscall(SyscallEvent.Phase)
    case signal(Signal)
    case imageStart
    case exit(rawStatus: Int32)
    case instruction
    case preemption
    case other
  }

  private let reader: TraceReader
  private var chunks: [UInt64: [Entry]] = [:]
  private static let chunkCount: UInt64 = 1024

  package init(directory: String) throws(TraceError) { reader = try TraceReader(directory: directory) }

  package var lastEventNumber: UInt64 { reader.lastEventNumber }
  package var startNanoseconds: UInt64 { reader.header.startMonotonicNanoseconds }

  /// Event `number`, counted from 1; nil behind the last one.
  package func event(_ number: UInt64) throws(TraceError) -> Entry? {
    guard number > 0, number <= lastEventNumber else { return nil }
    let chunk = (number - 1) / Self.chunkCount
    if chunks[chunk] == nil { chunks[chunk] = try load(chunk) }
    let index = Int((number - 1) % Self.chunkCount)
    guard let entries = chunks[chunk], index < entries.count else { return nil }
    return entries[index]
  }

  /// The last event up to `end` at which something happens but deaths, and the end; `first` if there is none.
  package func lastUsefulEvent(upTo end: UInt64, from first: UInt64 = 1) throws(TraceError) -> UInt64 {
    var number = end
    while number > first, let entry = try event(number), entry.kind.isExit || entry.kind == .other { number -= 1 }
    return number
  }

  /// The stack pointer that event `number` left its tracee with.
  package func stackPointer(ofEvent number: UInt64) throws(TraceError) -> RemotePointer? {
    try wholeEvent(number)?.registers?.stackPointer
  }

  /// The `siginfo_t` that event `number` delivers; nil if it isn't a signal.
  package func signalInfo(ofEvent number: UInt64) throws(TraceError) -> [UInt8]? {
    guard case .signal(let signal)? = try wholeEvent(number)?.kind else { return nil }
    return SignalInfo(bytes: signal.siginfo).bytes
  }

  private func wholeEvent(_ number: UInt64) throws(TraceError) -> TraceEvent? {
    guard number > 0, number <= lastEventNumber else { return nil }
    try reader.seek(toEvent: number)
    return try reader.nextEvent()
  }

  private func load(_ chunk: UInt64) throws(TraceError) -> [Entry] {
    try reader.seek(toEvent: chunk * Self.chunkCount + 1)
    var entries: [Entry] = []
    while entries.count < Int(Self.chunkCount), let event = try reader.nextEvent() {
      entries.append(
        Entry(
          tid: event.tid, ticks: event.ticks, monotonicNanoseconds: event.monotonicNanoseconds, kind: Kind(event.kind)))
    }
    return entries
  }
}

extension EventIndex.Kind {
  init(_ kind: TraceEvent.Kind) {
    self =
      switch kind {
      case .syscall(let call): .syscall(call.phase)
      case .signal(let signal): .signal(signal.signal)
      case .imageStart: .imageStart
      case .exit(let rawStatus): .exit(rawStatus: rawStatus)
      case .instruction: .instruction
      case .preemption: .preemption
      case .checkpointSaved, .checkpointLoaded, .note, .end: .other
      }
  }

  var isExit: Bool {
    if case .exit = self { true } else { false }
  }

  /// Whether an instruction of the tracee's leads to it, rather than something being done to the tracee.
  var isInstruction: Bool {
    switch self {
    case .syscall, .instruction: true
    default: false
    }
  }
}
