import KernelABI
import Syscalls
import TraceFormat

/// Events as lines for people.
struct EventText {
  var reader: TraceReader
  var details: EventDetails

  func lines(_ event: TraceEvent) throws -> [String] {
    let columns = [
      TextFormat.padded(String(event.number), toLeft: 8), TextFormat.padded("\(event.tid)", toLeft: 8),
      TextFormat.padded(String(event.ticks), toLeft: 10), "",
    ]
    var lines = [columns.joined(separator: " ") + " " + (try Self.description(event, reader: reader))]
    if details.socketAddresses, case .syscall(let call) = event.kind {
      if let local = SocketAddressText(call.localAddress) { lines.append("    local address \(local.text)") }
      if let remote = SocketAddressText(call.remoteAddress) { lines.append("    remote address \(remote.text)") }
    }
    if details.tracees {
      for record in try reader.tracees(forEvent: event.number) { lines.append("    " + Self.description(record)) }
    }
    if details.mappings {
      for mapping in try reader.mappings(forEvent: event.number) { lines.append("    " + Self.description(mapping)) }
    }
    if details.writes {
      for write in event.memoryWrites {
        lines.append("    wrote \(write.data.byteCount) bytes at \(write.address) of \(write.tid)")
      }
      for write in event.fileWrites {
        let place = "device \(TextFormat.hex(write.device)) inode \(write.inode)"
        lines.append("    wrote \(write.data.byteCount) bytes at offset \(write.offset) of mapped file \(place)")
      }
    }
    return lines
  }

  /// A persistent checkpoint behind its last event.
  static func line(_ place: SavedPlace) -> String {
    var line = "    checkpoint \(place.id) at event \(place.event)"
    if !place.isAtStageStart { line += ", ticks \(place.ticks), \(TextFormat.hex(place.programCounter))" }
    if place.number > 0 { line += ", the debugger's \(place.number)" + (place.label.isEmpty ? "" : ": \(place.label)") }
    return line
  }

  /// An entry of the checkpoints' log; nil for others.
  static func logLine(_ entry: TraceEvent) -> String? {
    let what: (String, UInt64, [UInt8])
    switch entry.kind {
    case .checkpointSaved(let id, let hash): what = ("saved", id, hash)
    case .checkpointLoaded(let id, let hash): what = ("loaded", id, hash)
    default: return nil
    }
    let time = TextFormat.localTime(nanosecondsSinceEpoch: entry.monotonicNanoseconds)
    let state = what.2.prefix(8).map { TextFormat.twoHexDigits($0) }.joined()
    return "\(time)  \(what.0) checkpoint \(what.1) at event \(entry.number), state \(state)"
  }

  /// A line for scripts.
  static func raw(_ event: TraceEvent) -> String {
    var fields = [String(event.number), "\(event.tid)", String(event.kind.number), String(event.ticks)]
    if let registers = event.registers {
      for register in registers.named { fields.append(String(register.value, radix: 16)) }
    }
    return " " + fields.joined(separator: " ")
  }

  static func description(_ event: TraceEvent, reader: TraceReader) throws -> String {
    switch event.kind {
    case .syscall(let call): return try SyscallText(event: event, call: call, reader: reader).text
    case .signal(let signal): return description(signal)
    case .instruction(let instruction):
      let result = event.registers.map { " at \($0.instructionPointer)" } ?? ""
      return "\(instruction)\(result)"
    case .preemption: return "preemption"
    case .exit(let rawStatus): return description(exit: WaitStatus(raw: rawStatus))
    case .imageStart: return "image start" + (try imageName(event, reader: reader))
    case .checkpointSaved(let id, _): return "checkpoint \(id) saved"
    case .checkpointLoaded(let id, _): return "checkpoint \(id) loaded"
    case .note(let text): return "note: \(text)"
    case .end: return "end of the recording"
    }
  }

  /// The program that starts, from the record that belongs to the event.
  private static func imageName(_ event: TraceEvent, reader: TraceReader) throws(TraceError) -> String {
    for record in try reader.tracees(forEvent: event.number) {
      if case .exec(let fileName, let commandLine, _, _, _, _, _) = record.kind {
        return ": \(fileName) (" + TextFormat.commandLine(commandLine) + ")"
      }
    }
    return ""
  }

  static func description(exit status: WaitStatus) -> String {
    switch status {
    case .exited(let code): "exited with \(code)"
    case .killed(let signal, let dumpedCore): "killed by \(signal)" + (dumpedCore ? " (core dumped)" : "")
    default: "gone"
    }
  }

  private static func description(_ signal: SignalEvent) -> String {
    let origin = signal.isDeterministic ? "raised by its own instruction" : "sent to it"
    return "\(signal.signal) \(origin): " + name(signal.disposition)
  }

  static func name(_ disposition: SignalEvent.Disposition) -> String {
    switch disposition {
    case .handler: "handler"
    case .fatal: "fatal"
    case .ignored: "ignored"
    case .stop: "stop"
    }
  }

  private static func description(_ record: TraceeRecord) -> String {
    switch record.kind {
    case .clone(let parent, let flags, let ownTid, let group):
      return "tracee \(record.tid) (in its namespace \(ownTid)) of thread group \(group) made by \(parent), flags "
        + TextFormat.hex(flags)
    case .exec(let fileName, let commandLine, _, let base, let interpreterBase, let interpreter, let previous):
      let thread = previous == record.tid ? "" : ", by thread \(previous)"
      let loader = interpreter.isEmpty ? "" : ", interpreter \(interpreter) at \(interpreterBase)"
      return "tracee \(record.tid) runs \(fileName) at \(base)\(loader)\(thread): "
        + TextFormat.commandLine(commandLine)
    case .exit(let rawStatus):
      return "tracee \(record.tid) " + description(exit: WaitStatus(raw: rawStatus))
    case .detach:
      return "tracee \(record.tid) detached"
    }
  }

  private static func description(_ mapping: MappingRecord) -> String {
    let name = mapping.name.isEmpty ? "(anonymous)" : mapping.name
    let offset = mapping.fileOffset == 0 ? "" : " offset " + TextFormat.hex(mapping.fileOffset)
    let protection = protectionText(mapping.protection) + (mapping.flags & 1 != 0 ? "s" : "p")
    return "mapped \(mapping.range) \(protection) \(name)\(offset), bytes from \(sourceText(mapping.source))"
  }

  static func protectionText(_ protection: Int32) -> String {
    (protection & 1 != 0 ? "r" : "-") + (protection & 2 != 0 ? "w" : "-") + (protection & 4 != 0 ? "x" : "-")
  }

  static func sourceText(_ source: MappingRecord.Source) -> String {
    switch source {
    case .zero: "zero"
    case .data(let range): "the data stream (\(range.byteCount))"
    case .traceFile(let name): "the trace's file '\(name)'"
    case .outsideFile(let path): "'\(path)' outside of the trace"
    }
  }
}

/// A raw socket address, readable.
struct SocketAddressText {
  let text: String

  /// Nil where there is none.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 2 else { return nil }
    let family = UInt16(bytes[0]) | UInt16(bytes[1]) << 8
    let port = bytes.count >= 4 ? Int(bytes[2]) << 8 | Int(bytes[3]) : 0
    switch family {
    case 1:
      let path = bytes[2...]
      let isAbstract = path.first == 0 && path.count > 1
      let name = isAbstract ? path.dropFirst() : path.prefix { $0 != 0 }
      text = "unix:" + (isAbstract ? "@" : "") + String(decoding: name, as: UTF8.self)
    case 2 where bytes.count >= 8:
      text = bytes[4..<8].map { String($0) }.joined(separator: ".") + ":\(port)"
    case 10 where bytes.count >= 24:
      let words = stride(from: 8, to: 24, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
      text = "[" + words.joined(separator: ":") + "]:\(port)"
    default:
      text = "family \(family), \(bytes.count) bytes"
    }
  }
}
