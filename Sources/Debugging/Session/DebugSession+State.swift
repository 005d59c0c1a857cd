import CLinuxShim
import Execution
package import KernelABI
import Replay
import TraceFormat
import SystemPackage
import TraceeControl

// Registers, memory and files of a recorded process.
extension DebugSession {
  package var registerFeatures: RegisterFeatures {
    let xcr0 = reader.header.xcr0
    var offsets: [Int: Int] = [:]
    for number in 2..<63 where xcr0 & (1 << UInt64(number)) != 0 {
      if let component = layout[number] { offsets[number] = component.offset }
    }
    return RegisterFeatures(xcr0: xcr0, offsets: offsets)
  }

  package func registers(of thread: ThreadIdentity) throws(DebugError) -> ThreadRegisters {
    let tracee = try tracee(thread).tracee
    return try debugging {
      ThreadRegisters(
        general: try session.engine.visibleRegisters(of: tracee), extended: try Ptrace.extendedState(tracee.tid))
    }
  }

  package func setRegisters(_ registers: ThreadRegisters, of thread: ThreadIdentity) throws(DebugError) {
    // A debugger that gives back what it has read changes nothing, and no call that was begun is begun again here.
    if diversion == nil, var own = try? self.registers(of: thread) {
      own.general.origRax = registers.general.origRax
      if own == registers { return }
    }
    let diversion = try requireDiversion("the registers", Tid(thread.thread))
    guard diversion.tracee.recordedTid.rawValue == thread.thread else {
      throw DebugError("only thread \(diversion.tracee.recordedTid) can be changed here")
    }
    try debugging { try diversion.setRegisters(registers) }
  }

  package func readMemory(_ process: Int32, _ address: UInt64, count: Int) -> [UInt8] {
    guard let tracee = tracee(ofProcess: process)?.tracee else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = tracee.read(RemotePointer(address), into: UnsafeMutableRawBufferPointer(buffer))
    }
  }

  package func writeMemory(_ process: Int32, _ address: UInt64, _ bytes: [UInt8]) throws(DebugError) {
    let diversion = try requireDiversion("the memory", nil)
    guard diversion.tracee.tracee.threadGroup.recordedID.rawValue == process else {
      throw DebugError("only process \(diversion.tracee.tracee.threadGroup.recordedID) can be changed here")
    }
    guard diversion.write(RemotePointer(address), bytes) else {
      throw DebugError("\(RemotePointer(address)) isn't mapped", number: 14)
    }
  }

  package func memoryRegion(_ process: Int32, _ address: UInt64) -> MemoryRegion {
    var start: UInt64 = 0
    for mapping in maps(process) {
      let range = mapping.range
      if range.start.rawValue > address {
        return MemoryRegion(start: start, end: range.start.rawValue, protection: nil, name: "")
      }
      if range.contains(RemotePointer(address)) {
        return MemoryRegion(
          start: range.start.rawValue, end: range.end.rawValue, protection: mapping.protection, name: mapping.name)
      }
      start = range.end.rawValue
    }
    return MemoryRegion(start: start, end: UInt64.max, protection: nil, name: "")
  }

  /// The program's mappings, with their names at recording.
  private func maps(_ process: Int32) -> [ProcessMapping] {
    guard let tracee = tracee(ofProcess: process)?.tracee else { return [] }
    return ProcessMaps.read(tracee.tid).filter { !OwnMemory.owns($0.range) }.map { mapping in
      var mapping = mapping
      mapping.name = files.recordedPath(of: mapping.name) ?? (mapping.name.hasPrefix("/memfd:") ? "" : mapping.name)
      if let own = tracee.addressSpace.writeProtected[mapping.range.start.rawValue] { mapping.protection = own }
      return mapping
    }
  }

  /// As it lies on the stack of the image: behind the arguments and the environment (System V ABI for AMD64, 3.4.1).
  package func auxiliaryVector(_ process: Int32) -> [UInt8] {
    guard let tracee = tracee(ofProcess: process)?.tracee,
      let image = processes.image(of: Tid(process), at: max(timeline.session.eventCount, 1)),
      let stack = try? timeline.index.stackPointer(ofEvent: image.event),
      var position = AuxiliaryVector.start(tracee, stack: stack)
    else { return [] }
    var bytes: [UInt8] = []
    while let entry = tracee.readBytes(position, count: 16), bytes.count < 4096 {
      bytes += entry
      if entry.prefix(8).allSatisfy({ $0 == 0 }) { return bytes }
      position = position + 16
    }
    return []
  }

  package func openFile(_ process: Int32, _ path: String) throws(DebugError) -> Int32 {
    if path.hasPrefix("/proc/"), path.hasSuffix("/maps") { return try debugging { try mapsFile(process) } }
    let result = rrs_open(files.location(path) ?? path, 0, 0)
    guard result >= 0 else {
      throw DebugError("cannot open '\(path)'", number: Int32(-result))
    }
    return Int32(result)
  }

  private func mapsFile(_ process: Int32) throws -> Int32 {
    var text = ""
    for mapping in maps(process) {
      func hex(_ value: UInt64) -> String { String(value, radix: 16) }
      let rights = [(1, "r"), (2, "w"), (4, "x")].map { mapping.protection & $0.0 != 0 ? $0.1 : "-" }.joined()
      text += "\(hex(mapping.range.start.rawValue))-\(hex(mapping.range.end.rawValue)) \(rights)"
      text += "\(mapping.isShared ? "s" : "p") \(hex(mapping.fileOffset)) 00:00 0 \(mapping.name)\n"
    }
    let descriptor = Int32(try check(rrs_memfd_create("rrs-maps"), "make a memory file"))
    let bytes = Array(text.utf8)
    _ = try check(rrs_pwrite(descriptor, bytes, bytes.count, 0), "fill a memory file")
    return descriptor
  }

  // MARK: - Signals

  package func signalInfo(_ thread: ThreadIdentity) throws(DebugError) -> [UInt8] {
    announceDiversion()
    guard diversion == nil, case .signal(let number) = currentStop.reason, number != 0 else {
      return SignalInfo().bytes
    }
    return try debugging {
      try timeline.index.signalInfo(ofEvent: timeline.session.eventCount + 1) ?? SignalInfo().bytes
    }
  }

  package func setSignalInfo(_ thread: ThreadIdentity, _ bytes: [UInt8]) { leaveDiversion() }
}

// Where the recorded files are.
extension DebugSession {
  /// The file of the current process's executable.
  package var executableLocation: String? {
    executablePath(currentStop.thread.process).map { files.location($0) ?? $0 }
  }

  /// What a debugger takes for the recorded machine's root directory: this machine's, while the recorded files are in
  /// their places; else rrs itself, which opens those in the trace.
  package var systemRoot: String { files.areInPlace ? "/" : "remote:" }
}
