import Execution
import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// Replay differs from the recording: the report says where, what was recorded, what happened, and what led there.
extension ReplaySession {
  /// Checks that the tracee makes the recorded call with the recorded registers.
  func checkEntry(
    _ tracee: ReplayTracee, _ event: TraceEvent, _ call: SyscallEvent, _ recorded: Registers
  ) throws {
    let actual = try tracee.tracee.registers()
    // A call that the kernel goes on with is recorded under its own number, and made again by restart_syscall(2).
    let isContinued = recorded.syscallNumber == SyscallNumber.restart_syscall
    let number = isContinued ? SyscallNumber.restart_syscall : call.number
    guard actual.syscallNumber == number else { throw try divergence(event, tracee, .syscallEntry) }
    if call.number == SyscallNumber.rt_sigreturn, call.phase != .entry { return }
    var ignored: Set<String> = ["rax", "rcx", "r11", "orig_rax"]
    if call.number == SyscallNumber.arch_prctl { ignored.formUnion(["fs_base", "gs_base"]) }
    try compare(tracee, event, recorded, ignoring: ignored)
  }

  func compare(
    _ tracee: ReplayTracee, _ event: TraceEvent, _ recorded: Registers, ignoring ignored: Set<String>,
    allowing allowance: Int = 0
  ) throws {
    let actual = try tracee.tracee.registers()
    var differences = 0
    for (expected, found) in zip(recorded.named, actual.named) where !ignored.contains(expected.name) {
      guard expected.value != found.value else { continue }
      let mask = expected.name == "eflags" ? comparableFlags(tracee, actual) : UInt64.max
      if expected.value & mask != found.value & mask { differences += 1 }
    }
    if differences > allowance { throw try divergence(event, tracee, nil) }
  }

  /// A trace whose ticks more than one engine counts can be another engine's, which keeps other dead flags.
  private func comparableFlags(_ tracee: ReplayTracee, _ registers: Registers) -> UInt64 {
    guard engine.tickUnit == .retiredConditionalBranches else { return Registers.visibleFlags }
    return LiveFlags.mask(at: registers.rip, of: tracee.tracee)
  }

  /// Compares the registers that a handler's frame says were interrupted: the words of `struct sigcontext` behind the
  /// return address, `uc_flags`, `uc_link` and `uc_stack` (asm/sigcontext.h), r8 first.
  func checkInterrupted(_ tracee: ReplayTracee, _ event: TraceEvent, _ recorded: Registers) throws {
    let place = RemotePointer(recorded.rsp + 8 + 40)
    let wordCount = 18
    guard
      let write = event.memoryWrites.first(where: {
        $0.address <= place && place + 8 * wordCount <= $0.address + $0.data.byteCount
      })
    else { return }
    let data = DataRange(offset: write.data.offset + (place - write.address), byteCount: UInt64(8 * wordCount))
    var words: [UInt64] = []
    _ = try copyData(data) { bytes, _ in
      words += (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
      return true
    }
    guard words.count == wordCount else { return }
    var expected = try tracee.tracee.registers()
    let places: [WritableKeyPath<Registers, UInt64>] = [
      \.r8, \.r9, \.r10, \.r11, \.r12, \.r13, \.r14, \.r15, \.rdi, \.rsi, \.rbp, \.rbx, \.rdx, \.rax, \.rcx, \.rsp,
      \.rip, \.eflags,
    ]
    for (place, word) in zip(places, words) { expected[keyPath: place] = word }
    var interrupted = event
    interrupted.registers = expected
    let ignored: Set = tracee.isInterrupted ? ["orig_rax", "rax", "rip"] : ["orig_rax"]
    try compare(tracee, interrupted, expected, ignoring: ignored)
  }

  func verifyChecksum(_ event: TraceEvent) throws {
    guard let recorded = event.memoryChecksum, let tracee = tracees[event.tid] else { return }
    let pointers = tracees.values.filter { $0.tracee.addressSpace === tracee.tracee.addressSpace && !$0.isNewborn }
      .compactMap { try? $0.tracee.registers().stackPointer }
    let actual = MemoryChecksum.compute(tracee.tracee, stackPointers: pointers)
    guard actual == recorded else {
      throw Divergence(
        event: event.number,
        report: try report(
          event, tracee,
          headline: "memory differs: checksum recorded 0x\(String(recorded, radix: 16)), "
            + "replayed 0x\(String(actual, radix: 16))"))
    }
  }

  func divergence(_ event: TraceEvent, _ tracee: ReplayTracee, _ stop: Stop?) throws -> Divergence {
    let happened = try describe(stop, tracee)
    return Divergence(
      event: event.number,
      report: try report(
        event, tracee, headline: "recorded \(EventHistory.describe(event)), but in replay \(happened)"))
  }

  private func describe(_ stop: Stop?, _ tracee: ReplayTracee) throws -> String {
    switch stop {
    case nil: return "the registers or ticks differ"
    case .syscallEntry?:
      let number = try tracee.tracee.registers().syscallNumber
      return "the tracee calls \(SyscallTable.descriptor(number)?.name ?? "system call \(number)")"
    case .signal(let info, _)?: return "it got \(info.signal) (code \(info.code), address \(info.address))"
    case .instruction(let instruction)?: return "it executes \(instruction)"
    case .exited(let status)?: return "it is gone (\(status))"
    default: return "it stopped: \(stop.map { "\($0)" } ?? "")"
    }
  }

  /// The event that went wrong: made with other registers, or missing, with another call in its place.
  private func verdict(_ event: TraceEvent, _ tracee: ReplayTracee) -> [String] {
    let recorded = "\(event.number) \(event.tid) \(EventHistory.describe(event))"
    guard case .syscall(let call) = event.kind, let actual = try? tracee.tracee.registers(), actual.syscallNumber >= 0,
      actual.syscallNumber != call.number
    else { return ["    wrong  \(recorded)"] }
    let name = SyscallTable.descriptor(actual.syscallNumber)?.name ?? "system call \(actual.syscallNumber)"
    return ["    missing \(recorded)", "    extra   \(name), which replay met in its place"]
  }

  private func report(_ event: TraceEvent, _ tracee: ReplayTracee, headline: String) throws -> String {
    var lines = [
      "replay diverged at event \(event.number), tracee \(event.tid) (here \(tracee.tracee.tid)): \(headline)", "",
      "  register           recorded           replayed",
    ]
    let ticks = engine.ticks(of: tracee.tracee)
    lines.append("\(event.ticks == ticks ? " " : "*") ticks      \(event.ticks.hex) \(ticks.hex)")
    let actual = (try? tracee.tracee.registers()) ?? Registers()
    for (expected, found) in zip((event.registers ?? actual).named, actual.named) {
      let mark = expected.value == found.value ? " " : "*"
      lines.append("\(mark) \(expected.name.padded(10)) \(expected.value.hex) \(found.value.hex)")
    }
    lines += ["", "  backtrace of the tracee:"]
    lines += Backtrace.of(tracee.tracee).map { "    \($0)" }
    lines += ["", "  last events:"]
    lines += history.lines.map { "    ok     \($0)" }
    lines += verdict(event, tracee)
    return lines.joined(separator: "\n")
  }
}

/// The last events that were replayed well, for a report.
struct EventHistory {
  private var events: [TraceEvent] = []
  private static let count = 16

  mutating func append(_ event: TraceEvent) {
    if events.count == Self.count { events.removeFirst() }
    events.append(event)
  }

  var lines: [String] { events.map { "\($0.number) \($0.tid) \(Self.describe($0))" } }

  static func describe(_ event: TraceEvent) -> String {
    switch event.kind {
    case .syscall(let call):
      let name = SyscallTable.descriptor(call.number)?.name ?? "system call \(call.number)"
      switch call.phase {
      case .entry: return "entry of \(name)"
      case .interrupted: return "\(name), interrupted"
      case .exit: return "\(name) = \(event.registers?.syscallResult ?? 0)"
      }
    case .signal(let signal): return "\(signal.signal) (\(signal.disposition))"
    case .instruction(let instruction): return "\(instruction)"
    case .preemption: return "preemption"
    case .exit(let status): return "exit (status \(status))"
    case .imageStart: return "start of a process image"
    case .checkpointSaved(let id, _): return "checkpoint \(id) saved"
    case .checkpointLoaded(let id, _): return "checkpoint \(id) loaded"
    case .note(let text): return "note: \(text)"
    case .end: return "end"
    }
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension UInt64 {
  fileprivate var hex: String {
    let digits = String(self, radix: 16)
    return String(repeating: " ", count: 16 - digits.count) + "0x" + digits
  }
}
