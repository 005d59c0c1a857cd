import KernelABI
import Syscalls
import TraceFormat

/// Events as JSON objects, one a line.
struct EventJSON {
  var reader: TraceReader
  var details: EventDetails

  func json(_ event: TraceEvent) throws -> JSONText {
    var json = JSONText()
    try json.object { root in
      root.number("event", event.number)
      root.number("tid", event.tid.rawValue)
      root.number("ticks", event.ticks)
      root.number("monotonicNanoseconds", event.monotonicNanoseconds)
      root.string("kind", event.kind.name)
      root.string("text", try EventText.description(event, reader: reader))
      writeKind(event, to: &root)
      if let registers = event.registers {
        root.object("registers") { object in
          for register in registers.named { object.hex(register.name, register.value) }
        }
      }
      if let checksum = event.memoryChecksum { root.hex("memoryChecksum", checksum) }
      if details.writes { writeMemory(event, to: &root) }
      if details.mappings { try writeMappings(event, to: &root) }
      if details.tracees { try writeTracees(event, to: &root) }
    }
    return json
  }

  private func writeKind(_ event: TraceEvent, to root: inout JSONText) {
    switch event.kind {
    case .syscall(let call):
      root.object("syscall") { write(call, registers: event.registers, to: &$0) }
    case .signal(let signal):
      root.object("signal") { object in
        object.number("number", signal.signal.rawValue)
        object.string("name", signal.signal.description)
        object.bool("deterministic", signal.isDeterministic)
        object.string("disposition", EventText.name(signal.disposition))
      }
    case .instruction(let instruction): root.string("instruction", "\(instruction)")
    case .exit(let rawStatus): write(WaitStatus(raw: rawStatus), to: &root)
    case .checkpointSaved(let id, _), .checkpointLoaded(let id, _): root.number("checkpoint", id)
    case .note(let text): root.string("note", text)
    case .preemption, .imageStart, .end: break
    }
  }

  private func write(_ call: SyscallEvent, registers: Registers?, to object: inout JSONText) {
    object.number("number", call.number)
    object.string("name", SyscallTable.name(call.number))
    object.string("phase", "\(call.phase)")
    if let registers {
      object.array("arguments") { list in for index in 0..<6 { list.hex(nil, registers.argument(index)) } }
      if call.phase == .exit { object.number("result", registers.syscallResult) }
    }
    if let offset = call.writeOffset { object.number("writeOffset", offset) }
    if let newTid = call.newTid { object.number("newTid", newTid.rawValue) }
    if !call.openedFiles.isEmpty {
      object.array("openedFiles") { list in
        for file in call.openedFiles {
          list.object { entry in
            entry.number("descriptor", file.descriptor)
            entry.string("path", file.path)
            entry.number("device", file.device)
            entry.number("inode", file.inode)
          }
        }
      }
    }
    guard details.socketAddresses else { return }
    if let local = SocketAddressText(call.localAddress) { object.string("localAddress", local.text) }
    if let remote = SocketAddressText(call.remoteAddress) { object.string("remoteAddress", remote.text) }
  }

  private func write(_ status: WaitStatus, to object: inout JSONText) {
    switch status {
    case .exited(let code): object.number("exitStatus", code)
    case .killed(let signal, let dumpedCore):
      object.number("killedBy", signal.rawValue)
      object.bool("dumpedCore", dumpedCore)
    default: break
    }
  }

  private func writeMemory(_ event: TraceEvent, to root: inout JSONText) {
    root.array("memoryWrites") { list in
      for write in event.memoryWrites {
        list.object { entry in
          entry.number("tid", write.tid.rawValue)
          entry.hex("address", write.address.rawValue)
          entry.number("byteCount", write.data.byteCount)
        }
      }
    }
  }

  private func writeMappings(_ event: TraceEvent, to root: inout JSONText) throws {
    let mappings = try reader.mappings(forEvent: event.number)
    root.array("mappings") { list in
      for mapping in mappings {
        list.object { entry in
          entry.hex("start", mapping.range.start.rawValue)
          entry.hex("end", mapping.range.end.rawValue)
          entry.string("protection", EventText.protectionText(mapping.protection))
          entry.number("flags", mapping.flags)
          entry.string("name", mapping.name)
          entry.number("fileOffset", mapping.fileOffset)
          entry.string("source", EventText.sourceText(mapping.source))
        }
      }
    }
  }

  private func writeTracees(_ event: TraceEvent, to root: inout JSONText) throws {
    let records = try reader.tracees(forEvent: event.number)
    root.array("tracees") { list in
      for record in records {
        list.object { entry in
          entry.number("tid", record.tid.rawValue)
          switch record.kind {
          case .clone(let parent, let flags, let ownTid, let group):
            entry.string("kind", "clone")
            entry.number("parent", parent.rawValue)
            entry.hex("flags", flags)
            entry.number("ownNamespaceTid", ownTid.rawValue)
            entry.number("threadGroup", group.rawValue)
          case .exec(let fileName, let commandLine, _, _, _, _, let previous):
            entry.string("kind", "exec")
            entry.string("fileName", fileName)
            entry.strings("commandLine", commandLine)
            entry.number("previousTid", previous.rawValue)
          case .exit(let rawStatus):
            entry.string("kind", "exit")
            write(WaitStatus(raw: rawStatus), to: &entry)
          case .detach:
            entry.string("kind", "detach")
          }
        }
      }
    }
  }
}
