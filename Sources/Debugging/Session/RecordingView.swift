import CLinuxShim
package import Execution
package import KernelABI
package import Replay
import SystemPackage
package import TraceFormat
import TraceeControl

/// A target that shows tracees of a replay as they are: what is read of them is the same wherever a replay stands, and
/// whyever it does.
package protocol RecordingView: DebugTarget {
  /// Whose tracees are shown.
  var session: ReplaySession { get }
  var reader: TraceReader { get }
  var index: EventIndex { get }
  var processes: RecordedProcesses { get }
  var files: RecordedFiles { get }
  /// How the kernel hands out the extended state.
  var layout: ExtendedStateLayout { get }
}

// Threads.
extension RecordingView {
  func identity(_ tracee: ReplayTracee) -> ThreadIdentity {
    ThreadIdentity(process: tracee.tracee.threadGroup.recordedID.rawValue, thread: tracee.recordedTid.rawValue)
  }

  package var threads: [ThreadIdentity] {
    let all = session.tracees.values.map(identity).sorted { ($0.process, $0.thread) < ($1.process, $1.thread) }
    let current = currentStop.thread.process
    return all.filter { $0.process == current } + all.filter { $0.process != current }
  }

  func tracee(_ thread: ThreadIdentity) throws(DebugError) -> ReplayTracee {
    guard let tracee = session.tracees[Tid(thread.thread)] else {
      throw DebugError("there is no thread \(thread.thread) here", number: 3)
    }
    return tracee
  }

  /// Some thread of a process, whose memory is the process's.
  func tracee(ofProcess process: Int32) -> ReplayTracee? { session.tracee(ofProcess: Tid(process)) }

  package func name(of thread: ThreadIdentity) -> String? {
    guard let tracee = session.tracees[Tid(thread.thread)] else { return nil }
    if let name = tracee.name { return name }
    return executablePath(thread.process)?.split(separator: "/").last.map { String($0.prefix(15)) }
  }

  package func executablePath(_ process: Int32) -> String? {
    processes.image(of: Tid(process), at: max(session.eventCount, 1))?.path
  }

  /// What goes wrong below is told to the debugger's user.
  func debugging<R>(_ body: () throws -> R) throws(DebugError) -> R {
    do {
      return try body()
    } catch let error as DebugError {
      throw error
    } catch is SeekInterrupted {
      throw DebugError("interrupted on the way", number: 4)
    } catch {
      throw DebugError("\(error)")
    }
  }
}

// Registers, memory and files of a recorded process.
extension RecordingView {
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

  package func readMemory(_ process: Int32, _ address: UInt64, count: Int) -> [UInt8] {
    guard let tracee = tracee(ofProcess: process)?.tracee else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = tracee.read(RemotePointer(address), into: UnsafeMutableRawBufferPointer(buffer))
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
    return ProcessMaps.readProgram(tracee).map { mapping in
      var mapping = mapping
      mapping.name = files.recordedPath(of: mapping.name, at: mapping.range.start)
        ?? (mapping.name.hasPrefix("/memfd:") ? "" : mapping.name)
      return mapping
    }
  }

  /// As it lies on the stack of the image: behind the arguments and the environment (System V ABI for AMD64, 3.4.1).
  package func auxiliaryVector(_ process: Int32) -> [UInt8] {
    guard let tracee = tracee(ofProcess: process)?.tracee,
      let image = processes.image(of: Tid(process), at: max(session.eventCount, 1)),
      let stack = try? index.stackPointer(ofEvent: image.event),
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
}

// Where the recorded files are.
extension RecordingView {
  /// The file of the current process's executable.
  package var executableLocation: String? {
    executablePath(currentStop.thread.process).map { files.debuggerLocation($0) ?? $0 }
  }

  /// What a debugger takes for the recorded machine's root directory.
  package var systemRoot: String { files.root }

  /// Where the trace itself has files with debug information.
  package var debugDirectory: String? { files.debugDirectory }
}
