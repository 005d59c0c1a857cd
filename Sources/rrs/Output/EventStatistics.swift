import Syscalls
import TraceFormat

/// What `dump -s` prints of the events that it showed.
struct EventStatistics {
  private var eventCount: UInt64 = 0
  private var kinds: [String: UInt64] = [:]
  private var syscalls: [Int: SyscallCount] = [:]
  private var writtenByteCount: UInt64 = 0

  private struct SyscallCount {
    var events: UInt64 = 0
    var byteCount: UInt64 = 0
  }

  mutating func add(_ event: TraceEvent) {
    eventCount += 1
    kinds[event.kind.name, default: 0] += 1
    let byteCount = event.memoryWrites.reduce(0) { $0 + $1.data.byteCount }
    writtenByteCount += byteCount
    if case .syscall(let call) = event.kind {
      syscalls[call.number, default: SyscallCount()].events += 1
      syscalls[call.number, default: SyscallCount()].byteCount += byteCount
    }
  }

  var lines: [String] {
    var lines = ["// \(eventCount) events, \(writtenByteCount) bytes written to memory"]
    for name in TraceEvent.Kind.names {
      guard let count = kinds[name] else { continue }
      lines.append("// \(TextFormat.padded(name, toRight: 20)) \(TextFormat.padded(String(count), toLeft: 10))")
    }
    let frequent = syscalls.sorted { ($1.value.events, $0.key) < ($0.value.events, $1.key) }
    for (number, count) in frequent {
      let name = TextFormat.padded("  " + SyscallTable.name(number), toRight: 20)
      let events = TextFormat.padded(String(count.events), toLeft: 10)
      lines.append("// \(name) \(events) \(TextFormat.padded(String(count.byteCount), toLeft: 12)) bytes")
    }
    return lines
  }
}
